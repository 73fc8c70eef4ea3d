import { identityOfPeer, type Identity } from '../core/identity.ts'
import { refusal } from './refusal.ts'

export const NO_IDENTITY = refusal('NoIdentity', 'the certificate names no identity of the form spiffe://TRUST-DOMAIN/ns/NAMESPACE/pod/UID')

/** The part of a grpc-js call that knows the peer. */
interface Authenticated {
  getAuthContext: () => { sslPeerCertificate?: { subjectaltname?: string | undefined } }
}

/** Whom the TLS layer has verified at the other end; null without a certificate of the form that AutoShield issues. */
export function peerOf (call: Authenticated): Identity | null {
  const certificate = call.getAuthContext().sslPeerCertificate
  return certificate === undefined ? null : identityOfPeer(certificate)
}
