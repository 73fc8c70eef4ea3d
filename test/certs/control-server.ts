import Fastify from 'fastify'
import type { Test } from 'tap'
import { certificateRoutes } from '../../certs/certificate-routes.ts'
import type { CertificateIssuer } from '../../certs/issuer.ts'
import type { CredentialSource } from '../../src/ports/identity.ts'
import { httpsServer } from '../../src/wire/https-server.ts'

export interface ControlServer {
  readonly endpoint: string
  /** Requests that got as far as HTTP. */
  readonly requests: string[]
  readonly close: () => Promise<void>
}

/** The controller's side of issuing, on loopback, until the test ends. */
export async function startControl (t: Test, issuer: Pick<CertificateIssuer, 'issue'>, credentials: CredentialSource, port = 0): Promise<ControlServer> {
  const app = Fastify({ serverFactory: (handler) => httpsServer(handler, { credentials, askForCertificates: true }), forceCloseConnections: true })
  const requests: string[] = []
  app.addHook('onRequest', async (request) => { requests.push(request.url) })
  await app.register(certificateRoutes(issuer))
  await app.listen({ host: '127.0.0.1', port })
  const close = async (): Promise<void> => { await app.close() }
  t.teardown(close)
  const address = app.server.address()
  return { endpoint: `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`, requests, close }
}
