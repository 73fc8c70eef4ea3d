import { createServer, type Server, type ServerOptions } from 'node:https'
import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { AutoshieldError } from '../core/errors.ts'
import { identityOfPeer, type Identity } from '../core/identity.ts'
import type { CredentialSource } from '../ports.ts'

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
 * An HTTPS server over credentials that change: new connections get the newest certificate and are measured by the
 * newest bundle, those that are open stay. While there are no credentials, every handshake fails. A session of before a
 * change is not resumed after it, since each certificate comes with ticket keys of its own. It follows the credentials
 * from listening to closing. For fastify: `serverFactory: (handler) => httpsServer(handler, options)`.
 */
export function httpsServer (handler: RequestListener, { credentials, askForCertificates = false, onRefused, http = {} }: HttpsServerOptions): Server {
  const server = createServer({ ...TLS, ...http, ca: [], requestCert: askForCertificates, rejectUnauthorized: false }, handler)
  const take = (): void => {
    try {
      const { certificate, key, authorities } = credentials.current()
      server.setSecureContext({ ...TLS, cert: certificate, key, ca: authorities })
    } catch (thrown) {
      const error = AutoshieldError.from(thrown)
      if (error.code !== 'UNAVAILABLE') onRefused?.(error) // UNAVAILABLE: there are none yet
    }
  }
  let following: Disposable | null = null
  server.on('listening', () => {
    following ??= credentials.onChange(take)
    take()
  })
  server.on('close', () => {
    following?.[Symbol.dispose]()
    following = null
  })
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
