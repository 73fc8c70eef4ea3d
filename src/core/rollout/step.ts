import type { ReasonCode } from '../reason.ts'
import { isCurrent } from './basis.ts'
import { errorsRisen } from './errors-risen.ts'
import { budgetOf } from './gates.ts'
import { compare, isEnforcing, ladderOf, nameOf, nextOf, saferOf, topOf } from './ladder.ts'
import type { Evidence, Group, MeshPolicy, Position } from './mesh-policy.ts'

/** What becomes of a rollout now. */
export type Outcome =
  | { readonly kind: 'stay', readonly reason: ReasonCode, readonly message: string }
  | { readonly kind: 'promote', readonly to: Position, readonly reason: ReasonCode, readonly message: string }
  /** It stays where it is until a person resumes it. */
  | { readonly kind: 'pause', readonly reason: ReasonCode, readonly message: string }
  /** `hold`: and stays there until a person resumes it. What observes already begins anew. */
  | { readonly kind: 'roll-back', readonly to: Position, readonly hold: boolean, readonly reason: ReasonCode, readonly message: string }

const SHADOW: Position = { stage: 'shadow', share: 0 }

type Asked = Pick<MeshPolicy, 'spec'> & { readonly status: Pick<MeshPolicy['status'], 'stage' | 'share' | 'since' | 'hold' | 'basis'> }

/**
 * Pure. `evidence` is that of the present step; at the target, of its last hour. The first row that holds decides:
 *
 *     stage           | what is the case                                            | outcome
 *     any             | the spec asks for another scope or other restrictions       | back: enforcing to shadow, else to observe: SpecChanged
 *     canary, enforce | a proxy refused a restriction of the policy                 | back to shadow and held: Rejected
 *     canary, enforce | legitimate traffic was stopped beyond the budget            | back to shadow and held: BudgetSpent
 *     canary          | connections to the enforcing pods fail more often           | back to shadow and held: ErrorsRisen
 *     beyond target   | -                                                           | back to the target: TargetLowered
 *     any             | held, or the spec says paused                               | stay: Paused
 *     shadow          | a proxy refused a restriction of the policy                 | pause: Rejected
 *     shadow          | legitimate traffic would be stopped beyond the budget       | pause: BudgetSpent
 *     the target      | -                                                           | stay: TargetReached
 *     any             | no pod in scope has a proxy                                 | stay: NoTargets
 *     any             | a proxy has not taken its newest configuration              | stay: Pending
 *     any             | the step is younger than the policy asks                    | stay: TooSoon
 *     any             | too few legitimate connections, or at too few pods          | stay: TooLittleTraffic
 *     canary          | none to the enforcing pods, or none to the others that are  | stay: TooLittleTraffic
 *     shadow, canary  | too few attempts met a restriction                          | stay: NothingTried
 *     any             | else                                                        | promote to the next rung: EvidenceSuffices
 *
 * What makes it safer is never held up; what goes on needs evidence of each kind, so no traffic is no evidence.
 */
export function step ({ spec, status }: Asked, evidence: Evidence, nowMs: number): Outcome {
  const ladder = ladderOf(spec)
  const target = topOf(ladder, spec.target)
  const stay = (reason: ReasonCode, message: string): Outcome => ({ kind: 'stay', reason, message })
  if (!isCurrent({ spec, status })) return { kind: 'roll-back', to: saferOf(status), hold: false, reason: 'SpecChanged', message: 'The policy asks for another scope or other restrictions: what was seen says nothing of them.' }
  const trouble = troubleOf(spec, status, evidence)
  if (trouble !== null && isEnforcing(status)) return { kind: 'roll-back', to: SHADOW, hold: true, ...trouble }
  if (compare(status, target) > 0) return { kind: 'roll-back', to: target, hold: false, reason: 'TargetLowered', message: `The policy asks for ${nameOf(target)} at most.` }
  if (status.hold !== undefined) return stay('Paused', `Held by ${status.hold.by}: ${status.hold.message}`)
  if (spec.paused) return stay('Paused', 'The policy itself says paused.')
  if (trouble !== null) return { kind: 'pause', ...trouble }
  const next = nextOf(ladder, status)
  if (next === null || compare(status, target) === 0) return stay('TargetReached', `It is at ${nameOf(target)}, as the policy asks.`)
  const missing = missingOf(spec, status, evidence, nowMs)
  if (missing !== null) return stay(missing.reason, missing.message)
  return { kind: 'promote', to: next, reason: 'EvidenceSuffices', message: sumOf(evidence) }
}

interface Finding { readonly reason: ReasonCode, readonly message: string }

function troubleOf (spec: MeshPolicy['spec'], { stage }: Position, evidence: Evidence): Finding | null {
  const { enforcing, others, refusal } = evidence
  if (stage === 'observe') return null
  if (refusal !== undefined) return { reason: 'Rejected', message: `A proxy refused a restriction of it: ${refusal}` }
  const [attempts, stopped] = [enforcing.attempts + others.attempts, enforcing.stopped + others.stopped]
  const budget = budgetOf(spec, evidence)
  if (stopped > budget) return { reason: 'BudgetSpent', message: `${stopped} attempts of legitimate sources were or would have been stopped, with ${attempts} seen; at most ${budget} may be.` }
  return stage === 'canary' && errorsRisen(enforcing, others, spec.gates.maxErrorRise)
    ? { reason: 'ErrorsRisen', message: `${failures(enforcing)} connections to enforcing pods failed, and ${failures(others)} to the others.` }
    : null
}

function missingOf ({ gates }: MeshPolicy['spec'], { stage, since }: Asked['status'], evidence: Evidence, nowMs: number): Finding | null {
  const { enforcing, others, podsSeen, inSync } = evidence
  const pods = enforcing.pods + others.pods
  const attempts = enforcing.attempts + others.attempts
  const seconds = Math.floor((nowMs - Date.parse(since)) / 1000)
  if (pods === 0) return { reason: 'NoTargets', message: 'No pod in scope has a proxy.' }
  if (inSync < pods) return { reason: 'Pending', message: `${inSync} of ${pods} proxies in scope have taken their newest configuration.` }
  if (seconds < gates.minSeconds) return { reason: 'TooSoon', message: `${Math.max(0, seconds)} of ${gates.minSeconds} s.` }
  if (attempts < gates.minAttempts) return { reason: 'TooLittleTraffic', message: `${attempts} of ${gates.minAttempts} legitimate connections seen.` }
  if (podsSeen < gates.minPodShare * pods) return { reason: 'TooLittleTraffic', message: `Legitimate connections seen at ${podsSeen} of ${pods} pods; ${Math.ceil(gates.minPodShare * pods)} are needed.` }
  if (stage === 'canary' && (enforcing.attempts === 0 || (others.attempts === 0 && others.pods > 0))) {
    return { reason: 'TooLittleTraffic', message: `${enforcing.attempts} legitimate connections seen at enforcing pods and ${others.attempts} at the others; without both there is nothing to compare.` }
  }
  const tried = stage === 'canary' ? enforcing.tried : others.tried
  const where = stage === 'canary' ? ' at enforcing pods' : ' in shadow'
  if (stage !== 'observe' && tried < gates.minTried) return { reason: 'NothingTried', message: `${tried} of ${gates.minTried} attempts met a restriction of it${where}.` }
  return null
}

const failures = ({ failed, attempts }: Group): string => `${failed} of ${attempts}`

function sumOf ({ enforcing, others, podsSeen }: Evidence): string {
  const sum = (of: (group: Group) => number): number => of(enforcing) + of(others)
  return `${sum(({ attempts }) => attempts)} legitimate connections at ${podsSeen} of ${sum(({ pods }) => pods)} pods, ${sum(({ tried }) => tried)} attempts met a restriction, ${sum(({ stopped }) => stopped)} of them of legitimate sources stopped or to be stopped; ${failures(enforcing)} failed at enforcing pods, ${failures(others)} at the others.`
}
