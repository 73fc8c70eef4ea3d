import type { ReasonCode } from '../../src/core/reason.ts'
import type { AdmissionResponse } from '../review.ts'

/** What a metric says of one review: both from closed lists. */
export interface Outcome {
  readonly decision: 'inject' | 'skip' | 'allow' | 'deny'
  /** `None` where nothing is to be said. */
  readonly reason: ReasonCode | 'None'
}

/** What one review comes to. */
export interface Answer {
  readonly response: AdmissionResponse
  readonly outcome: Outcome
}

/** Why a review is let through without being looked at: our own trouble, never the caller's. */
export type LetThrough = 'Overloaded' | 'DeadlineExceeded' | 'DecidingFailed'

/** The object stays as it is, and the API server's own audit record says why. */
export const letThrough = (uid: string, reason: LetThrough): Answer =>
  ({ response: { uid, allowed: true, auditAnnotations: { decision: 'skip', reason } }, outcome: { decision: 'skip', reason } })

/** The AdmissionReview that carries a response. */
export const bodyOf = (response: AdmissionResponse): string =>
  `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":${JSON.stringify(response)}}`
