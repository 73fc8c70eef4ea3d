import { AutoshieldError } from '../../core/errors.ts'
import { FIELD_MANAGER, LABELS, MANAGED_BY } from '../../core/injection/names.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { isRecord } from '../../core/kubernetes/read-object.ts'
import { INSTALLATION_LABEL, MITIGATION_LABEL } from '../../core/plan/objects.ts'
import { POLICY_FORMS, type PolicyKind, type PolicyObject } from '../../core/plan/policy-object.ts'
import type { Policy } from '../../core/plan/reach/policy.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import type { OwnPolicy } from '../../ports/network-policies.ts'
import { Lanes } from './lanes.ts'
import { Mirror } from './mirror.ts'

/** At once at the API server. */
const LANES = 16

/** What is kept of a policy. */
interface Seen {
  readonly key: string
  readonly policy: Policy | null
  /** Why it cannot be read; empty where it can, or need not. */
  readonly trouble: string
  /** null: somebody else's. */
  readonly own: OwnPolicy | null
}

export interface PoliciesOf {
  readonly kind: PolicyKind
  /** AutoShield's own namespace. */
  readonly installation: string
  /** Whose are read. Of `ours`, one that somebody changed says nothing until it is put back. */
  readonly read: 'everybodys' | 'ours'
}

/** Every policy of one kind as the API server knows it now, and the way to write our own; those of others are never written. */
export class PoliciesOfKind {
  /** Resolves when every policy has been seen once. */
  readonly synced: Promise<undefined>
  readonly #api: KubernetesApi
  readonly #of: PoliciesOf
  readonly #mirror: Mirror<Seen>
  readonly #lanes = new Lanes(LANES)
  /** UIDs of those that were made here: they stay ours when somebody takes their labels away. */
  readonly #made = new Set<string>()

  constructor (api: KubernetesApi, of: PoliciesOf) {
    this.#api = api
    this.#of = of
    this.#mirror = new Mirror(api, { resource: POLICY_FORMS[of.kind].resource, read: (object) => this.#read(object) })
    this.synced = this.#mirror.synced
  }

  ready (): boolean {
    return this.#mirror.ready()
  }

  /** Those that are read and can be. */
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

  /** Somebody else's, `NAMESPACE/NAME`. */
  foreign (): readonly string[] {
    return this.#mirror.list().flatMap(({ key, own }) => own === null ? [key] : [])
  }

  isForeign (namespace: string, name: string): boolean {
    return this.#mirror.get(namespace, name)?.own === null
  }

  /** Throws as `KubernetesApi`, and CONFLICT where one of that name is not ours. */
  async store ({ metadata, spec }: PolicyObject): Promise<OwnPolicy> {
    const { kind, installation } = this.#of
    const { name, namespace = '' } = metadata
    if (this.isForeign(namespace, name)) throw new AutoshieldError('CONFLICT', `${kind} ${namespace}/${name} is there and is not AutoShield's, so it is left alone: rename or remove it.`)
    const object = { spec, metadata: { ...metadata, labels: { ...metadata.labels, [INSTALLATION_LABEL]: installation } } }
    return this.#lanes.run(`${namespace}/${name}`, async () => {
      const stored = await this.#api.apply(POLICY_FORMS[kind].resource, object, { force: true })
      if (stored.metadata.labels?.[INSTALLATION_LABEL] === installation) this.#made.add(stored.metadata.uid ?? '')
      this.#mirror.note(stored)
      const { own } = this.#read(stored)
      if (own === null) throw new AutoshieldError('CONFLICT', `${kind} ${namespace}/${name} lost its labels on the way: some admission webhook of the cluster changes it.`)
      return own
    })
  }

  async remove ({ namespace, name, uid }: Pick<OwnPolicy, 'namespace' | 'name' | 'uid'>): Promise<void> {
    await this.#lanes.run(`${namespace}/${name}`, async () => {
      await this.#api.remove(POLICY_FORMS[this.#of.kind].resource, name, { namespace, uid })
      this.#made.delete(uid)
      this.#mirror.forget(namespace, name)
    })
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
    const own = this.#ownOf(object)
    const { kind, read } = this.#of
    const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`
    if (read === 'ours' && own === null) return { key, own, policy: null, trouble: '' }
    try {
      return { key, own, policy: POLICY_FORMS[kind].read(object), trouble: '' }
    } catch (error) {
      return { key, own, policy: null, trouble: read === 'ours' ? '' : AutoshieldError.from(error).message }
    }
  }

  #ownOf ({ metadata, ...object }: KubernetesObject): OwnPolicy | null {
    const { kind, installation } = this.#of
    const { name, namespace = '', uid = '', resourceVersion = '', generation = 0, labels = {}, annotations = {} } = metadata
    const marked = labels[LABELS.managedBy] === MANAGED_BY && labels[INSTALLATION_LABEL] === installation
    if (!marked && !this.#made.has(uid)) return null
    return { kind, namespace, name, uid, resourceVersion, generation, mitigation: annotations[MITIGATION_LABEL] ?? '', labels, annotations, spec: object['spec'], editor: editorOf(metadata['managedFields']) }
  }
}

/** The field manager that wrote last, where it is none of ours. */
function editorOf (managedFields: unknown): string {
  const fields = (Array.isArray(managedFields) ? managedFields : []).filter(isRecord)
  const [last] = fields.map(({ manager, time }) => ({ manager: String(manager), time: String(time) }))
    .filter(({ manager }) => manager !== FIELD_MANAGER).toSorted((one, other) => one.time < other.time ? 1 : -1)
  return last?.manager ?? ''
}
