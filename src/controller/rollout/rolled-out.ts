import type { Mitigation } from '../../core/mitigation/mitigation.ts'
import type { Pod } from '../../core/pod.ts'
import { ownerOf, partsOf } from '../../core/rollout/apply.ts'
import type { MeshPolicy } from '../../core/rollout/mesh-policy.ts'
import { ANNOTATIONS } from '../mitigation-case.ts'

/** UIDs of the pods in front of which the mesh policy of a mitigation restricts by it; null where no mesh policy made it. */
export type RolledOut = (mitigation: Mitigation) => ReadonlySet<string> | null

const OWNER = ownerOf('')

/**
 * As the rollouts are now: of what enforces, the pods that enforce; of the rest, the others of the scope. Nobody where the policy
 * is gone, for then the mitigation ends. Each policy is looked at once, when it is first asked for.
 */
export function rolledOutNow (policies: readonly MeshPolicy[], pods: readonly Pod[], proxied: () => ReadonlySet<string>): RolledOut {
  const parts = new Map<string, ReturnType<typeof partsOf>>()
  const look = (owner: string): ReturnType<typeof partsOf> => {
    const policy = policies.find(({ metadata: { name } }) => ownerOf(name) === owner)
    return policy === undefined ? [] : partsOf(policy, pods, proxied())
  }
  return ({ spec: { owner }, metadata: { annotations } }) => {
    if (!owner.policy.startsWith(OWNER)) return null
    const found = parts.get(owner.policy) ?? look(owner.policy)
    parts.set(owner.policy, found)
    return found.find(({ actionIndex }) => String(actionIndex) === annotations[ANNOTATIONS.action])?.victims ?? new Set()
  }
}
