import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { ThreatPolicy, ThreatPolicyStatus } from '../../core/policy/threat-policy.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import type { ThreatPolicies } from '../../ports/threat-policies.ts'
import { Mirror } from './mirror.ts'
import { fromStoredThreatPolicy } from './stored-threat-policy.ts'

/**
 * Threat policies as objects of the cluster. People write their specs (kubectl, GitOps), this their status, and neither
 * touches the other's part. Read from a mirror; what was told is seen by the next look.
 */
export class KubernetesThreatPolicies implements ThreatPolicies {
  /** Resolves when every policy has been seen once. */
  readonly synced: Promise<undefined>
  readonly #api: KubernetesApi
  readonly #namespace: string
  readonly #mirror: Mirror<ThreatPolicy>

  constructor (api: KubernetesApi, { namespace }: { readonly namespace: string }) {
    this.#api = api
    this.#namespace = namespace
    this.#mirror = new Mirror(api, { resource: RESOURCES.threatPolicies, scope: { namespace }, read: fromStoredThreatPolicy })
    this.synced = this.#mirror.synced
  }

  /** Whether every policy has been seen once. */
  ready (): boolean {
    return this.#mirror.ready()
  }

  list (): readonly ThreatPolicy[] {
    return this.#mirror.list().toSorted((left, right) => left.metadata.name < right.metadata.name ? -1 : 1)
  }

  async tell (name: string, status: ThreatPolicyStatus): Promise<void> {
    const object = { metadata: { name, namespace: this.#namespace }, status }
    this.#mirror.note(await this.#api.apply(RESOURCES.threatPolicies, object, { force: true, subresource: 'status' }))
  }

  onChange (listener: () => void): Disposable {
    return this.#mirror.onChange(listener)
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    await this.#mirror.run(signal)
  }
}
