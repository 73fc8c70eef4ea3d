import { identityOfPeer, type Identity } from '../core/identity.ts'
import { refusal } from './refusal.ts'
import type { Caller } from './refused.ts'

export const NO_IDENTITY = refusal('NoIdentity', 'the certificate names no identity of the form spiffe://TRUST-DOMAIN/ns/NAMESPACE/pod/UID')

/** The part of a grpc-js call that knows the peer. */
export interface Authenticated {
  getPeer: () => string
  getAuthContext: () => { sslPeerCertificate?: { subjectaltname?: string | undefined, valid_to: string } }
}

/** Whom the TLS layer has verified at the other end; null without a certificate of the form that AutoShield issues. */
export function peerOf (call: Authenticated): Identity | null {
  const certificate = call.getAuthContext().sslPeerCertificate
  return certificate === undefined ? null : identityOfPeer(certificate)
}

/** The same, with the address that the call came from. */
export const callerOf = (call: Authenticated): Caller => ({ identity: peerOf(call), peer: call.getPeer().replace(/:\d+$/, '') })

/** When the certificate of the other end expires, Unix ms; it is over already where there is none. */
export function expiryOf (call: Authenticated): number {
  const certificate = call.getAuthContext().sslPeerCertificate
  return certificate === undefined ? -Infinity : Date.parse(certificate.valid_to)
}
