import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import { AutoshieldError } from '../../core/errors.ts'
import type { MeshPolicy, MeshPolicyStatus } from '../../core/rollout/mesh-policy.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import type { MeshPolicies } from '../../ports/mesh-policies.ts'
import { Mirror } from './mirror.ts'
import { fromStoredPolicy, toStoredStatus } from './stored-mesh-policy.ts'

/**
 * Mesh policies as objects of the cluster. People write their specs (kubectl, GitOps), this their status, and neither
 * touches the other's part. Read from a mirror; what was told is seen by the next look.
 */
export class KubernetesMeshPolicies implements MeshPolicies {
  /** Resolves when every policy has been seen once. */
  readonly synced: Promise<undefined>
  readonly #api: KubernetesApi
  readonly #namespace: string
  readonly #mirror: Mirror<MeshPolicy>

  constructor (api: KubernetesApi, { namespace }: { readonly namespace: string }) {
    this.#api = api
    this.#namespace = namespace
    this.#mirror = new Mirror(api, { resource: RESOURCES.meshPolicies, scope: { namespace }, read: fromStoredPolicy })
    this.synced = this.#mirror.synced
  }

  /** Whether every policy has been seen once. */
  ready (): boolean {
    return this.#mirror.ready()
  }

  get (name: string): MeshPolicy | null {
    return this.#mirror.get(this.#namespace, name)
  }

  list (): readonly MeshPolicy[] {
    return this.#mirror.list().toSorted((left, right) => left.metadata.name < right.metadata.name ? -1 : 1)
  }

  async tell (name: string, status: MeshPolicyStatus): Promise<MeshPolicy> {
    const stored = await this.#api.apply(RESOURCES.meshPolicies, toStoredStatus(name, this.#namespace, status), { force: true, subresource: 'status' })
    this.#mirror.note(stored)
    return this.#read(stored)
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    await this.#mirror.run(signal)
  }

  #read (stored: KubernetesObject): MeshPolicy {
    const policy = fromStoredPolicy(stored)
    if (policy === null) throw new AutoshieldError('BAD_DATA', 'The API server has another definition of mesh policies than this AutoShield: apply deploy/chart/crds/meshpolicies.yaml.')
    return policy
  }
}
