import { isDeepStrictEqual } from 'node:util'
import { AutoshieldError } from '../../core/errors.ts'
import { LABELS, MANAGED_BY } from '../../core/injection/names.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { Mitigation } from '../../core/mitigation/mitigation.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import type { Collection } from '../../ports/object-store.ts'
import { Lanes } from './lanes.ts'
import { Mirror, type Change } from './mirror.ts'
import { fromStored, toStored, type StoredParts } from './stored-mitigation.ts'

export interface KubernetesMitigationsOptions {
  /** AutoShield's own: see README.md for why not the subject's. */
  readonly namespace: string
  /** How many ended ones are kept; what is in force is never pruned. */
  readonly retention?: number
  /** Told of an ended one that could not be removed; it is tried again. */
  readonly onTrouble?: (error: AutoshieldError) => void
}

/** Each object weighs some kB in etcd, and the audit trail keeps the history. */
const RETENTION = 500
/** Pruning looks at every object, so it runs once in this many writes. */
const PRUNE_EVERY = 16
/** At once at the API server; the others wait here, where no time-out runs. */
const LANES = 16

const { mitigations: resource } = RESOURCES

/**
 * Mitigations as objects of the cluster. Read from a mirror, so `ready` must hold before the first look; a write is
 * durable, and seen by the next look, when its promise resolves. Uid and generation are the API server's.
 */
export class KubernetesMitigations implements Collection<Mitigation> {
  /** Resolves when every mitigation has been seen once. */
  readonly synced: Promise<undefined>
  readonly #api: KubernetesApi
  readonly #options: KubernetesMitigationsOptions
  readonly #mirror: Mirror<Mitigation>
  readonly #lanes = new Lanes(LANES)
  #sorted: readonly Mitigation[] | null = null
  #writes = 0

  constructor (api: KubernetesApi, options: KubernetesMitigationsOptions) {
    this.#api = api
    this.#options = options
    this.#mirror = new Mirror(api, { resource, scope: { namespace: options.namespace }, read: fromStored })
    this.synced = this.#mirror.synced
    this.#mirror.onChange(() => { this.#sorted = null })
  }

  get (id: string): Mitigation | null {
    return this.#mirror.get(this.#options.namespace, id)
  }

  list ({ limit }: { limit?: number } = {}): readonly Mitigation[] {
    this.#sorted ??= this.#mirror.list().toSorted(newestFirst)
    return this.#sorted.slice(0, limit)
  }

  async put (id: string, value: Mitigation): Promise<void> {
    const parts = toStored({ ...value, metadata: { ...value.metadata, name: id } }, this.#options.namespace)
    await this.#lanes.run(id, async () => this.#mirror.note(await this.#store(id, parts)))
    if (this.#writes++ % PRUNE_EVERY === 0) await this.#prune()
  }

  ready (): boolean {
    return this.#mirror.ready()
  }

  /** Told of each change, also of those that others make: a mitigation that somebody deleted is gone from here. */
  onChange (listener: (change: Change<Mitigation>) => void): Disposable {
    return this.#mirror.onChange(listener)
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    await this.#mirror.run(signal)
  }

  /** Removes what somebody began to write and died: it holds nothing, and its name never comes again. For the one who writes, before it does. */
  async removeUnfinished (): Promise<void> {
    const { namespace } = this.#options
    const all = await this.#api.list(resource, { namespace, labelSelector: `${LABELS.managedBy}=${MANAGED_BY}` })
    const unfinished = all.filter((object) => object['status'] === undefined)
    await Promise.all(unfinished.map(async ({ metadata: { name, uid } }) => this.#api.remove(resource, name, { namespace, ...(uid !== undefined && { uid }) })))
  }

  /** Most writes change the status alone. What is there without a status is unfinished, and no reader sees it. */
  async #store (id: string, { object, status }: StoredParts): Promise<KubernetesObject> {
    const known = this.get(id)
    if (known !== null && isDeepStrictEqual(toStored(known, this.#options.namespace).object, object)) {
      try {
        return await this.#applyStatus(status)
      } catch (error) {
        if (AutoshieldError.from(error).code !== 'NOT_FOUND') throw error // somebody deleted it: it is made anew
      }
    }
    await this.#api.apply(resource, object, { force: true })
    return this.#applyStatus(status)
  }

  async #applyStatus (status: object): Promise<KubernetesObject> {
    return this.#api.apply(resource, status, { force: true, subresource: 'status' })
  }

  /** The write that called for it is done, so a failure here is told and not thrown. */
  async #prune (): Promise<void> {
    const { namespace, retention = RETENTION, onTrouble } = this.#options
    const beyond = this.list().filter(({ status }) => status.phase !== 'active').slice(retention)
    await Promise.all(beyond.map(async ({ metadata: { name, uid } }) => this.#lanes.run(name, async () => {
      await this.#api.remove(resource, name, { namespace, uid })
      this.#mirror.forget(namespace, name)
    }).catch((error: unknown) => onTrouble?.(AutoshieldError.from(error)))))
  }
}

function newestFirst (left: Mitigation, right: Mitigation): number {
  const byTime = Date.parse(right.metadata.creationTimestamp) - Date.parse(left.metadata.creationTimestamp)
  return byTime !== 0 ? byTime : left.metadata.name < right.metadata.name ? 1 : -1
}
