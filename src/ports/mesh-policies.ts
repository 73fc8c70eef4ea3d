import type { Command } from '../core/rollout/advance.ts'
import type { MeshPolicy, MeshPolicySpec, MeshPolicyStatus } from '../core/rollout/mesh-policy.ts'

/** Mesh policies, and how far their rollouts have come. What is asked for is a person's, what became of it the controller's. */
export interface MeshPolicies {
  get: (name: string) => MeshPolicy | null
  /** By name. */
  list: () => readonly MeshPolicy[]
  /** Writes the status and leaves alone what is asked for. Throws NOT_FOUND where the policy is gone. */
  tell: (name: string, status: MeshPolicyStatus) => Promise<MeshPolicy>
}

/** Where no cluster holds them, and so no kubectl writes them. */
export interface EditableMeshPolicies extends MeshPolicies {
  /** Makes the policy, or changes what it asks for and leaves its status alone. Throws CONFLICT where there is no room for another. */
  ask: (name: string, spec: MeshPolicySpec, at: string) => Promise<MeshPolicy>
  /** What is not there is removed already. */
  remove: (name: string) => Promise<void>
  /** Puts back what was there before a change that did not hold. */
  restore: (policy: MeshPolicy) => Promise<void>
}

/** What people may ask of rollouts. */
export interface Rollouts extends Pick<MeshPolicies, 'get' | 'list'> {
  /** Throws BAD_DATA with every problem of the spec, CONFLICT where the cluster holds the policies. */
  apply: (name: string, spec: unknown, actor: string) => Promise<MeshPolicy>
  /** Removes the policy and ends what it made. Gives it as it was. Throws NOT_FOUND, or CONFLICT where the cluster holds the policies. */
  remove: (name: string, actor: string, reason: string) => Promise<MeshPolicy>
  /** Throws NOT_FOUND, or CONFLICT with what is in the way and the mend. */
  command: (name: string, command: Command, actor: string, reason: string) => Promise<MeshPolicy>
}
