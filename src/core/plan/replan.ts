import type { MitigationSpec, PolicyPlace } from '../mitigation/mitigation.ts'
import type { ReasonCode } from '../reason.ts'
import type { Ground } from './check-plan.ts'
import { choosePolicies, optionsOf, formOf, tryOption } from './choose-policies.ts'
import type { RenderGround } from './render-policies.ts'

/** What is the matter with a way of carrying a mitigation that was good when it was taken. */
interface Trouble { readonly reason: ReasonCode, readonly message: string }

export type Replanned =
  | { readonly outcome: 'holds' }
  /** Another way does it. */
  | { readonly outcome: 'moved', readonly policies: readonly PolicyPlace[], readonly trouble: Trouble }
  /** No way does it, and this one opens nothing: it stays, and cuts what it still can. */
  | { readonly outcome: 'weak', readonly trouble: Trouble }
  /** No way does it, and this one would open something by now. */
  | { readonly outcome: 'withdrawn', readonly trouble: Trouble }

/**
 * Judges a mitigation that policies carry on the policies and pods of now. Throws what `checkPlan` throws.
 *
 *     as it is carried | another option that its direction allows | outcome
 *     cuts, opens not  | -                                        | holds: also where a smaller one would do by now
 *     else             | cuts, opens not                          | moved
 *     does not cut     | none                                     | weak
 *     opens            | none                                     | withdrawn
 */
export function replan (name: string, spec: MitigationSpec & { policies: PolicyPlace[] }, ground: Ground, around: RenderGround): Replanned {
  const { policies } = spec
  const { check } = tryOption(name, spec, policies, ground, [], around)
  if (check.reason === 'RuleMatched') return { outcome: 'holds' }
  const options = optionsOf(spec, policies.includes('isolation') ? 'isolation' : 'by-direction', ground.cluster.plugin).filter((option) => option.join() !== policies.join())
  const { taken } = choosePolicies(name, spec, options, ground, [], around)
  const message = `Not any more by ${formOf(policies)}: ${check.message}`
  if (taken !== null) return { outcome: 'moved', policies: taken.policies, trouble: { reason: check.reason, message: `${message} Now by ${formOf(taken.policies)}.` } }
  return { outcome: check.reason === 'OpensTraffic' ? 'withdrawn' : 'weak', trouble: { reason: check.reason, message } }
}
