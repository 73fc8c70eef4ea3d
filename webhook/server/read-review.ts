import { Compile } from 'typebox/compile'
import { type AdmissionRequest, AdmissionReview } from '../review.ts'

export type ReadReview =
  | { readonly kind: 'review', readonly request: AdmissionRequest }
  | { readonly kind: 'refused', readonly why: 'malformed' | 'version', readonly message: string }

const validator = Compile(AdmissionReview)

/** A body as the request that it carries. Total. */
export function readReview (body: string): ReadReview {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return refused('malformed', 'The body is no JSON; send an AdmissionReview.')
  }
  if (validator.Check(value)) return { kind: 'review', request: value.request }
  if (isReviewOfOtherVersion(value)) return refused('version', 'Only admission.k8s.io/v1 is spoken here; register with admissionReviewVersions: [v1].')
  const [fault] = validator.Errors(value)
  return refused('malformed', `The body is no AdmissionReview of admission.k8s.io/v1${fault === undefined ? '' : `: ${fault.instancePath.slice(0, 100) || '/'} ${fault.message}`}.`)
}

const refused = (why: 'malformed' | 'version', message: string): ReadReview => ({ kind: 'refused', why, message })

function isReviewOfOtherVersion (value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'AdmissionReview' && 'apiVersion' in value && value.apiVersion !== 'admission.k8s.io/v1'
}

/**
 * How the API server begins a review: Go writes the fields of a struct in their order (k8s.io/api/admission/v1, types.go).
 * It costs nothing to find the uid there, so that what must be answered at once can be, without reading the rest.
 */
const BEGINNING = /^\{"kind":"AdmissionReview","apiVersion":"admission\.k8s\.io\/v1","request":\{"uid":"([A-Za-z0-9-]{1,253})"/
export const BEGINNING_BYTES = 512

/** Null where the text is not begun as the API server does it. */
export const uidAtBeginning = (text: string): string | null => BEGINNING.exec(text)?.[1] ?? null
