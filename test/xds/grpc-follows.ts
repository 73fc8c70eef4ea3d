import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { status } from '@grpc/grpc-js'
import type { Test } from 'tap'
import { credentialFiles, writeCredentials } from '../../certs/credential-folder.ts'
import type { Credentials } from '../../src/core/identity.ts'
import { createSnapshot } from '../../xds/snapshot.ts'
import { ToldProcess } from '../fleet/told-process.ts'
import { backend, type Called } from './grpc-backend.ts'
import { SERVICE, serviceSnapshot, SetSource } from './grpc-service.ts'
import { Laboratory } from './laboratory.ts'
import { until } from './real-envoy.ts'

export interface GrpcClient {
  readonly command: readonly string[]
  /** Whose certificate the server sees: the client's, by its bootstrap, or that of a TLS relay for a client that can have none. */
  readonly identity: 'its own' | 'a relay\'s'
}

/** Plain HTTP/2 on one side, the same over mutual TLS on the other. */
async function tlsRelay (to: number, { certificate, key, authorities }: Credentials): Promise<{ port: number } & AsyncDisposable> {
  const stack = new DisposableStack()
  const server = createServer((near) => {
    const far = connectTls({ host: '127.0.0.1', port: to, cert: certificate, key, ca: authorities, ALPNProtocols: ['h2'] })
    for (const [one, other] of [[near, far], [far, near]] as const) one.on('error', () => other.destroy()).on('close', () => other.destroy()).pipe(other)
    stack.defer(() => near.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      stack.dispose()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A client of another make, from LDS to EDS: its first configuration, a moved endpoint, a changed route, a service that is gone and comes back. */
export async function grpcFollows (t: Test, { command, identity }: GrpcClient): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const [one, other] = [stack.use(await backend('one')), stack.use(await backend('other'))]
  const source = new SetSource(serviceSnapshot('a', { a: one.port }))
  const laboratory = stack.use(new Laboratory())
  await laboratory.serve(source)
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-grpc-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const credentials = laboratory.credentials('client')
  await writeCredentials(folder, credentials)
  const files = credentialFiles(folder)
  const way = identity === 'its own'
    ? { port: laboratory.port, credentials: { type: 'tls', config: { certificate_file: files.certificate, private_key_file: files.key, ca_certificate_file: files.authorities } } }
    : { port: stack.use(await tlsRelay(laboratory.port, credentials)).port, credentials: { type: 'insecure' } }
  const bootstrap = join(folder, 'bootstrap.json')
  await writeFile(bootstrap, JSON.stringify({
    xds_servers: [{ server_uri: `127.0.0.1:${way.port}`, channel_creds: [way.credentials], server_features: ['xds_v3'] }],
    node: { id: 'whoever', locality: {} },
  }))
  const client = stack.use(new ToldProcess('any', ['env', `GRPC_XDS_BOOTSTRAP=${bootstrap}`, ...command, `xds:///${SERVICE}`]))
  const call = (): Promise<Called> => client.tell<Called>({ do: 'call' })
  const follows = async (what: string, wanted: Partial<Called>): Promise<void> => {
    const answer = await until(what, async () => {
      const called = await call()
      return called.code === wanted.code && (wanted.backend ?? called.backend) === called.backend ? called : undefined
    })
    t.match(answer, wanted, what)
  }

  await follows('its first configuration', { code: status.OK, backend: 'one' })
  source.set(serviceSnapshot('a', { a: other.port }))
  await follows('an endpoint that moved', { code: status.OK, backend: 'other' })
  source.set(serviceSnapshot('a', { a: other.port, b: one.port }))
  source.set(serviceSnapshot('b', { a: other.port, b: one.port }))
  await follows('a route to another cluster', { code: status.OK, backend: 'one' })
  await until('nothing is refused', () => source.standings().every((standing) => !standing.startsWith('rejected')) ? true : undefined)
  source.set(createSnapshot({}, []))
  await follows('a service that is gone', { code: status.UNAVAILABLE })
  // Under other routes: grpc-js-xds 1.14 keeps a listener that is gone, and takes one that comes back equal for no news.
  source.set(serviceSnapshot('a', { a: one.port }, 'new-routes'))
  await follows('a service that is back', { code: status.OK, backend: 'one' })

  await laboratory.stop()
  t.match(await call(), { code: status.OK, backend: 'one' }, 'without its server it keeps what it has')
  source.set(serviceSnapshot('a', { a: other.port }, 'new-routes'))
  await laboratory.serve(source)
  await follows('a change on the stream after', { code: status.OK, backend: 'other' })
}
