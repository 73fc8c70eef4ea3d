import { identityOfPeer, type Identity } from '../core/identity.ts'

/** The part of a grpc-js call that knows the peer. */
interface Authenticated {
  getAuthContext: () => { sslPeerCertificate?: { subjectaltname?: string | undefined } }
}

/** Whom the TLS layer has verified at the other end; null without a certificate of the form that AutoShield issues. */
export function peerOf (call: Authenticated): Identity | null {
  const certificate = call.getAuthContext().sslPeerCertificate
  return certificate === undefined ? null : identityOfPeer(certificate)
}
