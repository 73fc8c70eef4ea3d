import type { ReasonCode } from '../reason.ts'
import type { Condition, ConditionType, Mitigation } from './mitigation.ts'

export interface Statement {
  readonly type: ConditionType
  readonly status: Condition['status']
  readonly reason: ReasonCode
  readonly message: string
}

export const SIMULATED = { reason: 'Simulated', message: 'Simulated: nothing is enforced.' } as const

export const UNSEEN: Statement = { type: 'Enforcing', status: 'Unknown', reason: 'NoAttemptSeen', message: 'No attempt was seen since it was programmed.' }

/** Annotation with the plan's words where no actuator here can stop the traffic; it outlives what proxies answer. */
export const CANNOT_ENFORCE = 'autoshield.dev/cannot-enforce'

/** `Degraded` as long as no target refuses. */
export function asPlanned ({ metadata: { annotations }, spec: { victims }, status: { simulated, leftOut } }: Mitigation): Statement {
  const why = annotations[CANNOT_ENFORCE]
  if (why !== undefined) return { type: 'Degraded', status: 'True', reason: 'CannotEnforce', message: why }
  if (leftOut !== undefined) return { type: 'Degraded', status: 'True', reason: 'VictimsLeftOut', message: `It is restricted in front of ${victims.length} pods; ${leftOut} more would be victims as well.` }
  return { type: 'Degraded', status: 'False', ...(simulated ? SIMULATED : { reason: 'Pending', message: 'No target has refused it.' }) }
}

/** `lastTransitionTime` moves only when the status does, so it says since when, not when it was last looked at. */
export function setCondition (conditions: readonly Condition[], statement: Statement, generation: number, nowMs: number): Condition[] {
  const before = conditions.find(({ type }) => type === statement.type)
  const since = before?.status === statement.status ? before.lastTransitionTime : new Date(nowMs).toISOString()
  const after: Condition = { ...statement, lastTransitionTime: since, observedGeneration: generation }
  return before === undefined ? [...conditions, after] : conditions.map((condition) => condition === before ? after : condition)
}

export function conditionOf (mitigation: Mitigation, type: ConditionType): Condition | null {
  return mitigation.status.conditions.find((condition) => condition.type === type) ?? null
}

/** The mitigation with these statements; the same object where they say nothing new, so that level-based callers see no change. */
export function withStatus (mitigation: Mitigation, statements: readonly Statement[], status: Partial<Mitigation['status']>, nowMs: number): Mitigation {
  const { generation } = mitigation.metadata
  const conditions = statements.reduce((all, statement) => setCondition(all, statement, generation, nowMs), mitigation.status.conditions)
  const after: Mitigation = { ...mitigation, status: { ...mitigation.status, ...status, conditions } }
  return JSON.stringify(after.status) === JSON.stringify(mitigation.status) ? mitigation : after
}
