import { AutoshieldError } from '../../core/errors.ts'
import { FIELD_MANAGER, LABELS, MANAGED_BY } from '../../core/injection/names.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { isRecord } from '../../core/kubernetes/read-object.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { NetworkPolicy } from '../../core/plan/network-policy.ts'
import { INSTALLATION_LABEL, marksManager, MITIGATION_LABEL } from '../../core/plan/objects.ts'
import type { Policy } from '../../core/plan/reach/policy.ts'
import { readPolicy } from '../../core/plan/reach/read-policy.ts'
import type { KubernetesApi, OwnPolicies, OwnPolicy, PodName } from '../../ports.ts'
import { Lanes } from './lanes.ts'
import { Mirror } from './mirror.ts'

/** At once at the API server. */
const LANES = 16

/** What is kept of a NetworkPolicy. */
interface Seen {
  readonly namespace: string
  readonly name: string
  readonly policy: Policy | null
  /** Why it cannot be read; empty where it can. */
  readonly trouble: string
  /** null: somebody else's. */
  readonly own: OwnPolicy | null
}

/** Every NetworkPolicy of the cluster as the API server knows it now, and the way to write our own; those of others are never written. */
export class KubernetesNetworkPolicies implements OwnPolicies {
  /** Resolves when every policy has been seen once. */
  readonly synced: Promise<undefined>
  readonly #api: KubernetesApi
  readonly #installation: string
  readonly #mirror: Mirror<Seen>
  readonly #lanes = new Lanes(LANES)
  /** UIDs of those that were made here: they stay ours when somebody takes their labels away. */
  readonly #made = new Set<string>()

  /** `installation`: AutoShield's own namespace. */
  constructor (api: KubernetesApi, { installation }: { readonly installation: string }) {
    this.#api = api
    this.#installation = installation
    this.#mirror = new Mirror(api, { resource: RESOURCES.networkPolicies, read: (object) => this.#read(object) })
    this.synced = this.#mirror.synced
  }

  ready (): boolean {
    return this.#mirror.ready()
  }

  /** Everybody's, without those that cannot be read. */
  all (): readonly Policy[] {
    return this.#mirror.list().flatMap(({ policy }) => policy ?? [])
  }

  /** What is the matter with those that cannot be read; null where all can. */
  trouble (): string | null {
    return this.#mirror.list().find(({ trouble }) => trouble !== '')?.trouble ?? null
  }

  list (): readonly OwnPolicy[] {
    return this.#mirror.list().flatMap(({ own }) => own ?? [])
  }

  isForeign (namespace: string, name: string): boolean {
    return this.#mirror.get(namespace, name)?.own === null
  }

  async store (policy: NetworkPolicy): Promise<OwnPolicy> {
    const { metadata, ...rest } = policy
    const { name, namespace = '' } = metadata
    if (this.isForeign(namespace, name)) throw new AutoshieldError('CONFLICT', `NetworkPolicy ${namespace}/${name} is there and is not AutoShield's, so it is left alone: rename or remove it.`)
    const object = { ...rest, metadata: { ...metadata, labels: { ...metadata.labels, [INSTALLATION_LABEL]: this.#installation } } }
    return this.#lanes.run(`${namespace}/${name}`, async () => {
      const stored = await this.#api.apply(RESOURCES.networkPolicies, object, { force: true })
      if (stored.metadata.labels?.[INSTALLATION_LABEL] === this.#installation) this.#made.add(stored.metadata.uid ?? '')
      this.#mirror.note(stored)
      const { own } = this.#read(stored)
      if (own === null) throw new AutoshieldError('CONFLICT', `NetworkPolicy ${namespace}/${name} lost its labels on the way: some admission webhook of the cluster changes it.`)
      return own
    })
  }

  async remove ({ namespace, name, uid }: Pick<OwnPolicy, 'namespace' | 'name' | 'uid'>): Promise<void> {
    await this.#lanes.run(`${namespace}/${name}`, async () => {
      await this.#api.remove(RESOURCES.networkPolicies, name, { namespace, uid })
      this.#made.delete(uid)
      this.#mirror.forget(namespace, name)
    })
  }

  async mark ({ uid, namespace, name }: PodName, labels: Readonly<Record<string, string>>): Promise<void> {
    // The UID keeps it from a successor of the same name, and from making a pod where there is none.
    await this.#lanes.run(uid, async () => this.#api.apply(RESOURCES.pods, { metadata: { name, namespace, uid, labels } }, { force: true, fieldManager: marksManager(this.#installation) }))
  }

  /** Told of each policy that came, changed or went, after it shows here. Must not throw. */
  onChange (listener: () => void): Disposable {
    return this.#mirror.onChange(listener)
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    await this.#mirror.run(signal)
  }

  #read (object: KubernetesObject): Seen {
    const { name, namespace = '' } = object.metadata
    const own = this.#ownOf(object)
    try {
      return { namespace, name, own, policy: readPolicy(object), trouble: '' }
    } catch (error) {
      return { namespace, name, own, policy: null, trouble: AutoshieldError.from(error).message }
    }
  }

  #ownOf ({ metadata, ...object }: KubernetesObject): OwnPolicy | null {
    const { name, namespace = '', uid = '', resourceVersion = '', generation = 0, labels = {}, annotations = {} } = metadata
    const marked = labels[LABELS.managedBy] === MANAGED_BY && labels[INSTALLATION_LABEL] === this.#installation
    if (!marked && !this.#made.has(uid)) return null
    return { namespace, name, uid, resourceVersion, generation, mitigation: annotations[MITIGATION_LABEL] ?? '', labels, annotations, spec: object['spec'], editor: editorOf(metadata['managedFields']) }
  }
}

/** The field manager that wrote last, where it is none of ours. */
function editorOf (managedFields: unknown): string {
  const fields = (Array.isArray(managedFields) ? managedFields : []).filter(isRecord)
  const [last] = fields.map(({ manager, time }) => ({ manager: String(manager), time: String(time) }))
    .filter(({ manager }) => manager !== FIELD_MANAGER).toSorted((one, other) => one.time < other.time ? 1 : -1)
  return last?.manager ?? ''
}
