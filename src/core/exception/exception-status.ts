import type { ReasonCode } from '../reason.ts'
import type { Exception, ExceptionCondition, ExceptionSpec, ExceptionStatus } from './exception.ts'
import { readExceptionSpec } from './read-exception.ts'

/** What an exception comes to now. */
export type Standing =
  | { readonly standing: 'covering', readonly spec: ExceptionSpec }
  | { readonly standing: 'ended', readonly spec: ExceptionSpec }
  | { readonly standing: 'refused', readonly problems: readonly string[] }

export function standingOf ({ metadata, spec }: Exception, nowMs: number): Standing {
  const read = readExceptionSpec(spec, metadata.creationTimestamp)
  if (!read.ok) return { standing: 'refused', problems: read.problems }
  return { standing: nowMs < Date.parse(read.spec.until) ? 'covering' : 'ended', spec: read.spec }
}

/** What it held back since its status was written. */
export interface Covered { readonly count: number, readonly lastMs: number }

/**
 * The status of an exception. Level-based: the same standing, with nothing covered, changes nothing.
 *
 *     standing | Accepted                | Active
 *     covering | True, Covering          | True, Covering
 *     ended    | True, Covering          | False, ExceptionEnded
 *     refused  | False, ExceptionRefused | False, ExceptionRefused
 */
export function exceptionStatus ({ metadata: { generation }, status }: Exception, standing: Standing, covered: Covered | null, nowMs: number): ExceptionStatus {
  const condition = (type: ExceptionCondition['type'], holds: boolean, reason: ReasonCode, message: string): ExceptionCondition => {
    const truth = holds ? 'True' : 'False'
    const before = status?.conditions.find((known) => known.type === type)
    const since = before?.status === truth ? before.lastTransitionTime : new Date(nowMs).toISOString()
    return { type, status: truth, reason, message, lastTransitionTime: since, observedGeneration: generation }
  }
  const last = covered === null ? status?.lastCovered : new Date(covered.lastMs).toISOString()
  return {
    covered: (status?.covered ?? 0) + (covered?.count ?? 0),
    ...(last !== undefined && { lastCovered: last }),
    conditions: conditionsOf(standing, condition),
  }
}

function conditionsOf (standing: Standing, condition: (type: ExceptionCondition['type'], holds: boolean, reason: ReasonCode, message: string) => ExceptionCondition): ExceptionCondition[] {
  switch (standing.standing) {
    case 'covering': return (['Accepted', 'Active'] as const).map((type) => condition(type, true, 'Covering', `It covers what it names until ${standing.spec.until}.`))
    case 'ended': return [condition('Accepted', true, 'Covering', 'It was understood.'), condition('Active', false, 'ExceptionEnded', `It ended at ${standing.spec.until}.`)]
    case 'refused': return (['Accepted', 'Active'] as const).map((type) => condition(type, false, 'ExceptionRefused', standing.problems.join('; ')))
  }
}
