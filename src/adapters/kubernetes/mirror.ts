import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import type { Resource } from '../../core/kubernetes/resource.ts'
import type { KubernetesApi, Scope } from '../../ports.ts'

/** What became of one object; null: it was not there, or is not there any more. */
export interface Change<T> {
  readonly before: T | null
  readonly after: T | null
}

export interface MirrorOf<T> {
  readonly resource: Resource
  readonly scope?: Scope
  /** What is kept of an object; null keeps nothing of it. Must not throw. */
  readonly read: (object: KubernetesObject) => T | null
}

interface Seen<T> {
  readonly key: string
  readonly version: string
  readonly value: T | null
}

const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`

/**
 * What the cluster has of one kind, kept up to date by a watch. Only what `read` makes of an object is held. Empty until
 * it is `ready`; what was seen stays while the API server is away.
 */
export class Mirror<T> {
  /** Resolves when everything has been seen once. */
  readonly synced: Promise<undefined>
  readonly #api: Pick<KubernetesApi, 'watch'>
  readonly #of: MirrorOf<T>
  readonly #values = new Map<string, { readonly version: string, readonly value: T }>()
  readonly #listeners = new Set<(change: Change<T>) => void>()
  readonly #resolveSynced: (value: undefined) => void
  #ready = false

  constructor (api: Pick<KubernetesApi, 'watch'>, of: MirrorOf<T>) {
    this.#api = api
    this.#of = of
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.synced = promise
    this.#resolveSynced = resolve
  }

  ready (): boolean {
    return this.#ready
  }

  /** The namespace of an object that has none is undefined. */
  get (namespace: string | undefined, name: string): T | null {
    return this.#values.get(keyOf(namespace, name))?.value ?? null
  }

  /** In no order that means anything. */
  list (): readonly T[] {
    return [...this.#values.values()].map(({ value }) => value)
  }

  /** Told of each object that came, changed or went, after the mirror shows it; at a new beginning of what differs. Must not throw. */
  onChange (listener: (change: Change<T>) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => { this.#listeners.delete(listener) } }
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    const { resource, scope = {}, read } = this.#of
    const seen = (object: KubernetesObject): Seen<T> => ({
      key: keyOf(object.metadata.namespace, object.metadata.name), version: object.metadata.resourceVersion ?? '', value: read(object),
    })
    for await (const event of this.#api.watch(resource, scope, signal, seen)) {
      switch (event.type) {
        case 'synced':
          this.#replace(event.objects)
          break
        case 'put':
          this.#put(event.object)
          break
        case 'gone':
          this.#drop(event.object.key)
      }
    }
  }

  #replace (objects: readonly Seen<T>[]): void {
    const there = new Set(objects.map(({ key }) => key))
    for (const key of [...this.#values.keys()]) if (!there.has(key)) this.#drop(key)
    for (const seen of objects) this.#put(seen)
    this.#ready = true
    this.#resolveSynced(undefined)
  }

  #put ({ key, version, value }: Seen<T>): void {
    if (value === null) {
      this.#drop(key)
      return
    }
    const before = this.#values.get(key)
    if (before?.version === version && version !== '') return
    this.#values.set(key, { version, value })
    this.#tell({ before: before?.value ?? null, after: value })
  }

  #drop (key: string): void {
    const before = this.#values.get(key)
    if (before === undefined) return
    this.#values.delete(key)
    this.#tell({ before: before.value, after: null })
  }

  #tell (change: Change<T>): void {
    for (const listener of this.#listeners) listener(change)
  }
}
