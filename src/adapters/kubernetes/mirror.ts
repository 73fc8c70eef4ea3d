import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import type { Resource } from '../../core/kubernetes/resource.ts'
import type { KubernetesApi, Scope } from '../../ports/kubernetes.ts'

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
 * Versions of one kind are decimal numbers that grow (kubernetes/enhancements KEP-5504), too large for a double. An API
 * server that gives other versions has its last word count.
 */
function isNewer (version: string, than: string): boolean {
  if (!/^\d+$/.test(version) || !/^\d+$/.test(than)) return version !== than
  return version.length === than.length ? version > than : version.length > than.length
}

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

  /** Shows what was just written before the watch brings it; an older one of the watch does not undo it. */
  note (object: KubernetesObject): void {
    this.#put(this.#seen(object))
  }

  /** As `note`, for what was just removed: its last version known here. */
  forget (namespace: string | undefined, name: string): void {
    const before = this.#values.get(keyOf(namespace, name))
    if (before === undefined) return
    this.#values.delete(keyOf(namespace, name))
    this.#tell({ before: before.value, after: null })
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    const { resource, scope = {} } = this.#of
    for await (const event of this.#api.watch(resource, scope, signal, (object) => this.#seen(object))) {
      switch (event.type) {
        case 'synced':
          this.#replace(event.objects, event.resourceVersion)
          break
        case 'put':
          this.#put(event.object)
          break
        case 'gone':
          this.#drop(event.object.key, event.object.version)
      }
    }
  }

  #seen (object: KubernetesObject): Seen<T> {
    const { name, namespace, resourceVersion = '' } = object.metadata
    return { key: keyOf(namespace, name), version: resourceVersion, value: this.#of.read(object) }
  }

  #replace (objects: readonly Seen<T>[], version: string): void {
    const there = new Set(objects.map(({ key }) => key))
    for (const key of [...this.#values.keys()]) if (!there.has(key)) this.#drop(key, version)
    for (const seen of objects) this.#put(seen)
    this.#ready = true
    this.#resolveSynced(undefined)
  }

  #put ({ key, version, value }: Seen<T>): void {
    const before = this.#values.get(key)
    if (before !== undefined && !isNewer(version, before.version)) return
    if (value === null) {
      this.#drop(key, version)
      return
    }
    this.#values.set(key, { version, value })
    this.#tell({ before: before?.value ?? null, after: value })
  }

  #drop (key: string, version: string): void {
    const before = this.#values.get(key)
    if (before === undefined || !isNewer(version, before.version)) return
    this.#values.delete(key)
    this.#tell({ before: before.value, after: null })
  }

  #tell (change: Change<T>): void {
    for (const listener of this.#listeners) listener(change)
  }
}
