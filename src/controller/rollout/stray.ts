import type { Mitigation } from '../../core/mitigation/mitigation.ts'
import type { Pod } from '../../core/pod.ts'
import { ownerOf, ruleIdOf } from '../../core/rollout/apply.ts'
import { TEMPLATE_ANNOTATION, templateHash } from '../../core/rollout/basis.ts'
import { nameOf } from '../../core/rollout/ladder.ts'
import type { MeshPolicy } from '../../core/rollout/mesh-policy.ts'
import { membersOf, selects } from '../../core/rollout/scope.ts'

const OWNER = ownerOf('')

/**
 * Mitigations in force whose mesh policy does not ask for them any more, with the reason:
 *
 *     policy  | stage   | mode    | a victim that is there shall not enforce | stray
 *     gone    | -       | -       | -                                        | yes
 *     there   | any     | -       | -; the restriction is gone or changed    | yes: what is asked for now is decided anew
 *     there   | observe | -       | -                                        | yes
 *     there   | else    | shadow  | -                                        | no: it counts until its time is over
 *     there   | else    | enforce | no                                       | no
 *     there   | else    | enforce | yes                                      | yes: the rollout went back, or the scope changed
 *
 * A victim whose proxy is away for a moment is none that shall not.
 */
export function strayOf (active: readonly Mitigation[], policies: readonly MeshPolicy[], pods: readonly Pod[], proxied: ReadonlySet<string>): readonly { readonly mitigation: Mitigation, readonly why: string }[] {
  const owned = active.filter(({ spec }) => spec.owner.policy.startsWith(OWNER))
  if (owned.length === 0) return []
  const byUid = new Map(pods.map((pod) => [pod.uid, pod]))
  const byOwner = new Map(policies.map((policy) => [ownerOf(policy.metadata.name), { policy, enforcing: membersOf(policy, pods, proxied).enforcing }]))
  const leaves = ({ spec }: MeshPolicy, enforcing: ReadonlySet<string>, pod: Pod | undefined): boolean =>
    pod !== undefined && (!selects(spec.scope, pod) || (proxied.has(pod.uid) && !enforcing.has(pod.uid)))
  return owned.flatMap((mitigation) => {
    const { owner, mode, victims } = mitigation.spec
    const found = byOwner.get(owner.policy)
    if (found === undefined) return [{ mitigation, why: 'its mesh policy is gone' }]
    const { policy, enforcing } = found
    const template = policy.spec.restrictions.find((restriction) => ruleIdOf(policy.metadata.name, restriction) === owner.rule)
    if (template === undefined || mitigation.metadata.annotations[TEMPLATE_ANNOTATION] !== templateHash(template)) return [{ mitigation, why: 'its mesh policy asks for another restriction now' }]
    const beyond = mode === 'enforce' && victims.some(({ uid }) => leaves(policy, enforcing, byUid.get(uid)))
    return beyond || policy.status.stage === 'observe' ? [{ mitigation, why: `the rollout of its mesh policy is at ${nameOf(policy.status)}` }] : []
  })
}
