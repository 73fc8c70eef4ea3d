import { status, type StatusObject } from '@grpc/grpc-js'

/** Why a call is ended: a gRPC status in plain words that say what to do. */
export interface Refusal {
  readonly reason: RefusalReason
  readonly details: string
}

/** Closed list; each reason is counted under its name. */
export const REFUSALS = {
  NoIdentity: status.UNAUTHENTICATED,
  Expired: status.UNAUTHENTICATED,
  NotYours: status.PERMISSION_DENIED,
  Unknown: status.PERMISSION_DENIED,
  OtherSchema: status.FAILED_PRECONDITION,
  Malformed: status.INVALID_ARGUMENT,
  Gap: status.OUT_OF_RANGE,
  TooMuch: status.RESOURCE_EXHAUSTED,
  Full: status.RESOURCE_EXHAUSTED,
  Silent: status.DEADLINE_EXCEEDED,
  Replaced: status.ABORTED,
  Stopping: status.UNAVAILABLE,
  Failed: status.INTERNAL,
} as const
export type RefusalReason = keyof typeof REFUSALS

export const refusal = (reason: RefusalReason, details: string): Refusal => ({ reason, details })

/** As grpc-js ends a call with it. */
export const statusOf = ({ reason, details }: Refusal): Pick<StatusObject, 'code' | 'details'> => ({ code: REFUSALS[reason], details })
