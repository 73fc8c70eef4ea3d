import { Type, type Static } from 'typebox'
import type { ActionType } from '../policy/action-type.ts'

export const APPROVALS_REQUIRED = ['never', 'always', 'drastic'] as const
export const AFTER_DEADLINE = ['suppress', 'alert', 'mitigate'] as const

/** What a rule asks of people before it acts, and what becomes of what nobody answered. */
export interface ApprovalRule {
  /** drastic: for actions that take a pod or a node away. */
  readonly required: (typeof APPROVALS_REQUIRED)[number]
  readonly deadlineSeconds: number
  readonly then: (typeof AFTER_DEADLINE)[number]
}

/** Of a rule that says nothing of it: what safety holds for other reasons waits ten minutes, and then nothing is done. */
export const DEFAULT_APPROVAL: ApprovalRule = { required: 'never', deadlineSeconds: 600, then: 'suppress' }

const DRASTIC: readonly ActionType[] = ['pod_isolation', 'pod_termination', 'node_quarantine']

/**
 *     required | action               | needs approval
 *     never    | -                    | no
 *     always   | alert_only           | no: it restricts nothing
 *     always   | any other            | yes
 *     drastic  | takes a pod or node away | yes
 *     drastic  | any other            | no
 */
export function needsApproval ({ required }: ApprovalRule, action: ActionType): boolean {
  switch (required) {
    case 'never': return false
    case 'always': return action !== 'alert_only'
    case 'drastic': return DRASTIC.includes(action)
  }
}

/** What was decided to wait for a person, and what became of it. */
export const Approval = Type.Object({
  state: Type.Enum(['waiting', 'approved', 'rejected', 'lapsed', 'withdrawn'], { description: 'lapsed: nobody answered until the deadline. withdrawn: the attack ended, or it was decided anew.' }),
  deadline: Type.String({ format: 'date-time', description: 'Until when a person may answer.' }),
  then: Type.Enum([...AFTER_DEADLINE], { description: 'What is done where nobody answers.' }),
  evidence: Type.Object({ completedHandshake: Type.Boolean(), confirmedByOwnObserver: Type.Boolean(), deniedByOwnObserver: Type.Optional(Type.Literal(true)), standsForMany: Type.Boolean() }, { additionalProperties: false, description: 'What was known of the source.' }),
  by: Type.Optional(Type.String({ description: 'Who answered.' })),
  why: Type.Optional(Type.String({ description: 'Why, in the words of whoever answered, or how it came to an end.' })),
  at: Type.Optional(Type.String({ format: 'date-time', description: 'When it was answered or came to an end.' })),
}, { $id: 'Approval', additionalProperties: false, description: 'What waits, or waited, for a person.' })
export type Approval = Readonly<Static<typeof Approval>>

export type ApprovalEvent =
  | { readonly type: 'approve' | 'reject', readonly by: string, readonly why: string }
  | { readonly type: 'beat' }
  /** The attack has ended, or its action was decided anew. */
  | { readonly type: 'withdraw', readonly why: string }

/**
 * The next state; the same object where nothing changes, null where it has an answer already.
 *
 *     state   | event    | deadline   | becomes
 *     waiting | approve  | -          | approved: also a moment late, as long as nothing was done about it
 *     waiting | reject   | -          | rejected
 *     waiting | withdraw | -          | withdrawn
 *     waiting | beat     | to come    | waiting
 *     waiting | beat     | passed     | lapsed
 *     another | any      | -          | null
 */
export function afterApprovalEvent (approval: Approval, event: ApprovalEvent, nowMs: number): Approval | null {
  if (approval.state !== 'waiting') return null
  const at = new Date(nowMs).toISOString()
  switch (event.type) {
    case 'approve': return { ...approval, state: 'approved', by: event.by, why: event.why, at }
    case 'reject': return { ...approval, state: 'rejected', by: event.by, why: event.why, at }
    case 'withdraw': return { ...approval, state: 'withdrawn', why: event.why, at }
    case 'beat': return nowMs < Date.parse(approval.deadline) ? approval : { ...approval, state: 'lapsed', why: 'Nobody answered until the deadline.', at }
  }
}
