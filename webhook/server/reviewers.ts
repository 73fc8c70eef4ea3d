import type { AdmissionRequest, AdmissionResponse } from '../review.ts'
import type { Injector } from './injector.ts'
import type { Reviewers } from './intake.ts'

/** Who answers which webhook. */
export function reviewersOf (injector: Injector, audit: { review: (request: AdmissionRequest) => AdmissionResponse }): Reviewers {
  return {
    inject: { review: (request) => injector.review(request) },
    audit: {
      review: (request) => {
        const response = audit.review(request)
        return { response, outcome: { decision: response.allowed ? 'allow' : 'deny', reason: 'None' } }
      },
    },
  }
}
