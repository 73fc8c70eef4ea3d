import { createServer, type Server, type ServerOptions } from 'node:https'
import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { AutoshieldError } from '../core/errors.ts'
import { identityOfPeer, type Identity } from '../core/identity.ts'
import type { CredentialSource } from '../ports/identity.ts'
import { followCredentials } from './follow-credentials.ts'

export interface HttpsServerOptions {
  readonly credentials: CredentialSource
  /** Asks callers for a certificate; one without, or with one that nobody trusted signed, is let in as nobody (see `identityOfCaller`). */
  readonly askForCertificates?: boolean
  /** A pair that the TLS layer does not take: the one before stays. */
  readonly onRefused?: (error: AutoshieldError) => void
  /** Time-outs and bounds of HTTP. */
  readonly http?: Pick<ServerOptions, 'headersTimeout' | 'requestTimeout' | 'keepAliveTimeout' | 'connectionsCheckingInterval' | 'maxHeaderSize'>
}

const TLS: ServerOptions = {
  minVersion: 'TLSv1.3',
  // Whoever connects and says nothing is gone after this; Node's own default is 120 s.
  handshakeTimeout: 5_000,
}

/**
 * An HTTPS server over credentials that change, as `followCredentials` says. For fastify:
 * `serverFactory: (handler) => httpsServer(handler, options)`.
 */
export function httpsServer (handler: RequestListener, { credentials, askForCertificates = false, onRefused, http = {} }: HttpsServerOptions): Server {
  const server = createServer({ ...TLS, ...http, ca: [], requestCert: askForCertificates, rejectUnauthorized: false }, handler)
  followCredentials(server, credentials, TLS, onRefused)
  return server
}

/**
 * Who calls: the identity in the certificate that the caller of this connection proved. Null for one without, or whose
 * certificate none of the authorities signed, or whose certificate has ended since the connection was opened.
 */
export function identityOfCaller (socket: Socket, nowMs: number): Identity | null {
  // Truthful only where certificates are asked for: Node leaves `authorized` false otherwise.
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined || nowMs >= certificate.validToDate.getTime()) return null
  return identityOfPeer({ subjectaltname: certificate.subjectAltName })
}
