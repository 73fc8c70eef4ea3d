import type { KeyTensor } from '../core/policy/key-features.ts'
import { matchRules } from '../core/policy/match-rules.ts'
import type { Policy } from '../core/policy/rule.ts'
import type { TimeZone } from '../core/policy/time-zone.ts'
import { endpointOf, windowEndMs, type Whois } from '../core/verdict/case.ts'
import type { Score } from '../core/verdict/score.ts'

export interface AssertionContext {
  /** Rules about classes that the model does not know. */
  readonly policy: Policy
  readonly tensors: readonly KeyTensor[]
  readonly whois: Whois
  readonly zone: TimeZone
  readonly modelClasses: readonly string[]
}

/** Conditions are judged on windows of this step, which `everyKey` asks for (ports/scores.ts). */
const STEP_MS = 15_000

/** Classes whose rule's condition is true of this window; each at most once. */
export function classesAsserted (score: Score, { policy, tensors, whois, zone, modelClasses }: AssertionContext): readonly string[] {
  if (policy.rules.length === 0 || score.stepMs !== STEP_MS) return []
  const { key } = score
  const outcomes = matchRules(policy, {
    detection: null,
    source: key.kind === 'fan-in' ? null : endpointOf(key.source, whois),
    target: key.kind === 'fan-out' ? null : endpointOf(key.destination, whois),
    tensors,
    atMs: windowEndMs(score),
    zone,
    modelClasses,
  })
  return [...new Set(outcomes.filter(({ fired }) => fired).map(({ rule }) => rule.attackClass))]
}
