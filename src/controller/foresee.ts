import { AutoshieldError } from '../core/errors.ts'
import type { Mitigation, MitigationSpec } from '../core/mitigation/mitigation.ts'
import type { PlanEffect } from '../core/plan/effect.ts'
import { MAX_TOUCHED, type Outlook } from '../core/plan/outlook.ts'
import type { Plan } from '../core/plan/plan.ts'
import type { Decision } from '../core/policy/decision.ts'

/** What would be decided if somebody agreed now, and its plan; null where nothing is planned. */
export interface Foreseen {
  readonly decision: Decision
  readonly plan: Plan | null
}

/** Tells what NetworkPolicies would do for a restriction; throws CONFLICT or UNAVAILABLE where nobody knows. */
export type EffectOfSpec = (mitigation: { readonly metadata: Pick<Mitigation['metadata'], 'name'>, readonly spec: MitigationSpec }) => PlanEffect

/** What a yes to `waiting` would do. */
export function outlookOf (waiting: Pick<Decision, 'id' | 'escalates'>, { decision, plan }: Foreseen, effect: EffectOfSpec): Outlook {
  const touched = plan?.blastRadius ?? []
  return {
    decision: { ...decision, id: waiting.id },
    touches: { total: touched.length, listed: touched.slice(0, MAX_TOUCHED).map(({ uid, namespace, name }) => ({ uid, namespace, name })) },
    targets: [...plan?.targets ?? []],
    expiresAt: plan?.spec?.expiresAt ?? null,
    undo: plan?.undo ?? 'Nothing would be done, so there would be nothing to undo.',
    flows: flowsOf(waiting.escalates ?? nameFor(waiting), plan, effect),
  }
}

/** As the mitigation of a decision that is not made yet is called, so that its objects can be shown. */
export const nameFor = ({ id }: Pick<Decision, 'id'>): string => `m-${id}`

function flowsOf (name: string, plan: Plan | null, effect: EffectOfSpec): Outlook['flows'] {
  const spec = plan?.spec ?? null
  if (spec?.action !== 'deny') return { state: 'none', why: spec?.action === 'limit' ? 'It slows what it limits, and no NetworkPolicy is part of it.' : 'No NetworkPolicy is part of it.' }
  try {
    return { state: 'reckoned', effect: effect({ metadata: { name }, spec }) }
  } catch (error) {
    if (!(error instanceof AutoshieldError) || (error.code !== 'CONFLICT' && error.code !== 'UNAVAILABLE')) throw error
    return { state: 'unknown', why: error.message }
  }
}
