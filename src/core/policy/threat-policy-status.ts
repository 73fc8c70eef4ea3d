import type { ReasonCode } from '../reason.ts'
import { MAX_THREAT_POLICIES, type ThreatPolicy, type ThreatPolicyCondition, type ThreatPolicyStatus } from './threat-policy.ts'

/** Rules that are in force, and the generation of the spec that they are of. */
export interface RulesInForce { readonly rules: number, readonly generation: number }

/** What a look at the newest spec came to. */
export type Look =
  | { readonly outcome: 'understood' }
  | { readonly outcome: 'not-understood', readonly problems: readonly string[] }
  | { readonly outcome: 'not-followed' }

/**
 * The status of a policy. Level-based: the same look changes nothing.
 *
 *     look           | rules in force | Accepted             | InForce
 *     understood     | some           | True, Understood     | True, Understood
 *     not understood | none           | False, NotUnderstood | False, NotUnderstood
 *     not understood | some           | False, NotUnderstood | True, EarlierRules
 *     not followed   | -              | False, NotFollowed   | False, NotFollowed
 */
export function threatPolicyStatus ({ metadata: { generation }, status }: ThreatPolicy, look: Look, inForce: RulesInForce | null, nowMs: number): ThreatPolicyStatus {
  const condition = (type: ThreatPolicyCondition['type'], holds: boolean, reason: ReasonCode, message: string): ThreatPolicyCondition => {
    const truth = holds ? 'True' : 'False'
    const before = status?.conditions.find((known) => known.type === type)
    const since = before?.status === truth ? before.lastTransitionTime : new Date(nowMs).toISOString()
    return { type, status: truth, reason, message, lastTransitionTime: since, observedGeneration: generation }
  }
  const told = (rules: RulesInForce | null, problems: readonly string[], conditions: ThreatPolicyCondition[]): ThreatPolicyStatus =>
    ({ rules: rules?.rules ?? 0, generation: rules?.generation ?? 0, problems: [...problems], conditions })
  switch (look.outcome) {
    case 'understood': {
      const message = `${inForce?.rules ?? 0} rules are in force.`
      return told(inForce, [], [condition('Accepted', true, 'Understood', message), condition('InForce', true, 'Understood', message)])
    }
    case 'not-understood': {
      const { problems } = look
      const more = problems.length > 1 ? ` (and ${problems.length - 1} more: see status.problems)` : ''
      const accepted = condition('Accepted', false, 'NotUnderstood', `${problems[0] ?? ''}${more}`)
      return told(inForce, problems, [accepted, inForce === null
        ? condition('InForce', false, 'NotUnderstood', 'No rule of it is in force.')
        : condition('InForce', true, 'EarlierRules', `The ${inForce.rules} rules of generation ${inForce.generation} stay in force until the newest is mended.`)])
    }
    case 'not-followed': {
      const message = `The ${MAX_THREAT_POLICIES} oldest threat policies are followed, and this is none of them: put its rules into one of those, or delete one.`
      return told(null, [], [condition('Accepted', false, 'NotFollowed', message), condition('InForce', false, 'NotFollowed', message)])
    }
  }
}
