import { AutoshieldError } from '../../../src/core/errors.ts'
import type { PolicyObject } from '../../../src/core/plan/policy-object.ts'
import type { PodName } from '../../../src/ports/directories.ts'
import type { OwnPolicies, OwnPolicy } from '../../../src/ports/network-policies.ts'
import type { FakePods } from '../fakes.ts'

/** An API server's NetworkPolicies and pod labels; the test may refuse writes, and take things away. */
export class FakePolicies implements OwnPolicies {
  readonly stored = new Map<string, OwnPolicy>()
  readonly foreign = new Set<string>()
  /** Every write, in order. */
  readonly writes: string[] = []
  refuses: ((what: string) => AutoshieldError | null) = () => null
  readonly #pods: FakePods
  readonly #listeners = new Set<() => void>()

  constructor (pods: FakePods) {
    this.#pods = pods
  }

  list (): readonly OwnPolicy[] {
    return [...this.stored.values()]
  }

  isForeign (namespace: string, name: string): boolean {
    return this.foreign.has(`${namespace}/${name}`)
  }

  async store ({ kind, metadata, spec }: PolicyObject): Promise<OwnPolicy> {
    const { name, namespace = '', labels = {}, annotations = {} } = metadata
    const key = `${namespace}/${name}`
    this.#write(`store ${key}`)
    if (this.foreign.has(key)) throw new AutoshieldError('CONFLICT', `NetworkPolicy ${key} is there and is not AutoShield's`)
    const before = this.stored.get(key)
    const kept = Object.fromEntries(Object.entries(spec).filter(([, value]) => !Array.isArray(value) || value.length > 0)) // as an API server does
    const own: OwnPolicy = {
      kind,
      namespace,
      name,
      uid: before?.uid ?? `policy-${this.writes.length}`,
      resourceVersion: String(this.writes.length),
      generation: (before?.generation ?? 0) + 1,
      mitigation: annotations['autoshield.dev/mitigation'] ?? '',
      labels,
      annotations,
      spec: JSON.parse(JSON.stringify(kept)) as unknown,
      editor: '',
    }
    this.change(key, own)
    return own
  }

  async remove ({ namespace, name }: Pick<OwnPolicy, 'namespace' | 'name' | 'uid'>): Promise<void> {
    this.#write(`remove ${namespace}/${name}`)
    this.change(`${namespace}/${name}`, null)
  }

  async mark ({ uid, name }: PodName, labels: Readonly<Record<string, string>>): Promise<void> {
    this.#write(`mark ${name} ${Object.keys(labels).length}`)
    this.label(uid, labels)
  }

  /** What somebody does to a policy, or we; null: deletes it. */
  change (key: string, policy: OwnPolicy | null): void {
    if (policy === null) this.stored.delete(key)
    else this.stored.set(key, policy)
    for (const listener of this.#listeners) listener()
  }

  label (uid: string, labels: Readonly<Record<string, string>>): void {
    const pod = this.#pods.byUid(uid)
    if (pod === null) throw new AutoshieldError('CONFLICT', 'the pod of this UID is gone')
    const { 'autoshield.dev/pod': _, ...others } = pod.labels
    this.#pods.put({ ...pod, labels: { ...others, ...labels } })
  }

  onChange (listener: () => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => { this.#listeners.delete(listener) } }
  }

  #write (what: string): void {
    this.writes.push(what)
    const refusal = this.refuses(what)
    if (refusal !== null) throw refusal
  }
}
