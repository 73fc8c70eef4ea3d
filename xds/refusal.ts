import { status } from '@grpc/grpc-js'

/** Why a client is not served, or not any longer. Closed list; metrics and the audit trail carry the names. */
const REFUSALS = {
  NoCertificate: { code: null, words: 'the client shows no certificate' },
  UnknownAuthority: { code: null, words: 'no authority that is trusted now signed the certificate' },
  HandshakeFailed: { code: null, words: 'the TLS handshake failed' },
  Expired: { code: status.UNAUTHENTICATED, words: 'the certificate has ended' },
  Revoked: { code: status.PERMISSION_DENIED, words: 'the identity is revoked' },
  NoIdentity: { code: status.PERMISSION_DENIED, words: 'the certificate names no pod' },
  WrongTrustDomain: { code: status.PERMISSION_DENIED, words: 'the certificate names a pod of another trust domain' },
  NotAPod: { code: status.PERMISSION_DENIED, words: 'the identity is that of a part of AutoShield, not of a pod' },
  TooManyStreams: { code: status.RESOURCE_EXHAUSTED, words: 'too many streams, try again' },
  TooManyStreamsOfOne: { code: status.RESOURCE_EXHAUSTED, words: 'newer streams of the same pod took its place' },
  TooManyNames: { code: status.RESOURCE_EXHAUSTED, words: 'too many names asked for' },
  Malformed: { code: status.INVALID_ARGUMENT, words: 'the request is not a discovery request' },
  UnknownType: { code: status.INVALID_ARGUMENT, words: 'the type is not served here' },
} as const satisfies Readonly<Record<string, { code: status | null, words: string }>>
export type RefusalReason = keyof typeof REFUSALS
export const REFUSAL_REASONS = Object.keys(REFUSALS) as readonly RefusalReason[]

export interface Refusal {
  readonly reason: RefusalReason
  /** For whoever operates the client. */
  readonly details: string
}

export const refuse = (reason: RefusalReason, more = ''): Refusal => ({ reason, details: more === '' ? REFUSALS[reason].words : `${REFUSALS[reason].words}: ${more}` })

/** As gRPC ends a call. */
export const statusOf = ({ reason, details }: Refusal): { code: status, details: string } => ({ code: REFUSALS[reason].code ?? status.UNAVAILABLE, details })
