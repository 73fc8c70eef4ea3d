import { once } from 'node:events'
import { Agent, get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { IncomingMessage } from 'node:http'
import t, { type Test } from 'tap'
import type { AutoshieldError } from '../../src/core/errors.ts'
import { spiffeId } from '../../src/core/identity.ts'
import { HeldCredentials } from '../../src/wire/held-credentials.ts'
import { httpsServer, identityOfCaller } from '../../src/wire/https-server.ts'
import { DAY_MS, HOUR_MS, Root } from '../certs/samples.ts'

const names = { ip: ['127.0.0.1'] }

/** Answers each request with the identity of its caller, until the test ends. */
async function serve (t: Test, credentials: HeldCredentials, { nowMs = Date.now(), onRefused = () => undefined }: { nowMs?: number, onRefused?: (error: AutoshieldError) => void } = {}): Promise<number> {
  const server = httpsServer((request, response) => {
    const caller = identityOfCaller(request.socket, nowMs)
    response.end(caller === null ? 'nobody' : spiffeId(caller))
  }, { credentials, askForCertificates: true, onRefused })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return (server.address() as AddressInfo).port
}

async function ask (port: number, options: ConnectionOptions & { agent?: Agent }): Promise<string> {
  const call = get({ agent: false, host: '127.0.0.1', port, ...options })
  const [response] = await once(call, 'response') as [IncomingMessage]
  return text(response)
}

const asCaller = ({ certificate, key, authorities }: { certificate: string, key: string, authorities: string }): ConnectionOptions => ({ cert: certificate, key, ca: authorities })

t.test('new connections get the newest certificate, and open ones go on', async (t) => {
  const [old, next] = [new Root(), new Root()]
  const credentials = new HeldCredentials('none', old.issue('server', names))
  const port = await serve(t, credentials)
  using agent = Object.assign(new Agent({ keepAlive: true, maxSockets: 1, ca: old.authority.bundle }), { [Symbol.dispose] () { agent.destroy() } })
  t.equal(await ask(port, { agent }), 'nobody')
  credentials.take(next.issue('server', names))
  t.equal(await ask(port, { agent }), 'nobody', 'the open connection stays')
  t.equal(await ask(port, { ca: next.authority.bundle }), 'nobody', 'a new one is of the new CA')
  await t.rejects(ask(port, { ca: old.authority.bundle }), 'and not of the old')
})

t.test('a caller is who its certificate says only where an authority of the newest bundle signed it and it has not ended', async (t) => {
  const [root, foreign] = [new Root(), new Root()]
  const credentials = new HeldCredentials('none', root.issue('server', names))
  const port = await serve(t, credentials)
  const ca = root.authority.bundle
  t.equal(await ask(port, asCaller(root.issue('webhook'))), 'spiffe://autoshield.test/ns/autoshield/pod/webhook')
  t.equal(await ask(port, { ca }), 'nobody', 'without a certificate')
  t.equal(await ask(port, { ...asCaller(foreign.issue('webhook')), ca }), 'nobody', 'of another authority')
  t.equal(await ask(port, { ...asCaller(root.issue('webhook', { nowMs: Date.now() - 3 * DAY_MS })), ca }), 'nobody', 'ended before')
  const later = await serve(t, credentials, { nowMs: Date.now() + 30 * HOUR_MS })
  t.equal(await ask(later, asCaller(root.issue('webhook'))), 'nobody', 'ended while the connection was open')

  credentials.take({ ...root.issue('server', names), authorities: foreign.authority.bundle })
  t.equal(await ask(port, { ...asCaller(root.issue('webhook')), ca }), 'nobody', 'the authority is not trusted any more')
  t.match(await ask(port, { ...asCaller(foreign.issue('webhook')), ca }), /webhook/)
})

t.test('a session from before a change of the bundle is not resumed after it', async (t) => {
  const [root, foreign] = [new Root(), new Root()]
  const credentials = new HeldCredentials('none', root.issue('server', names))
  const port = await serve(t, credentials)
  const caller = { ...asCaller(root.issue('webhook')), ca: root.authority.bundle, host: '127.0.0.1', port }
  const first = connect(caller)
  const [session] = await once(first, 'session') as [Buffer]
  first.destroy()
  const reused = async (): Promise<boolean> => {
    const socket: TLSSocket = connect({ ...caller, session })
    await once(socket, 'secureConnect')
    const result = socket.isSessionReused()
    socket.destroy()
    return result
  }
  t.equal(await reused(), true, 'the test is able to resume')
  credentials.take({ ...credentials.current(), authorities: foreign.authority.bundle })
  t.equal(await reused(), false)
})

t.test('only TLS 1.3 is spoken, and nothing at all while there are no credentials', async (t) => {
  const root = new Root()
  const credentials = new HeldCredentials('none')
  const port = await serve(t, credentials)
  await t.rejects(ask(port, { ca: root.authority.bundle }), { message: /handshake failure/ })
  credentials.take(root.issue('server', names))
  t.equal(await ask(port, { ca: root.authority.bundle }), 'nobody', 'it begins without a restart')
  await t.rejects(ask(port, { ca: root.authority.bundle, maxVersion: 'TLSv1.2' }), { message: /protocol version/ })
})

t.test('a pair that cannot be used is told of, and the one before stays', async (t) => {
  const root = new Root()
  const good = root.issue('server', names)
  const credentials = new HeldCredentials('none', good)
  const refused: AutoshieldError[] = []
  const port = await serve(t, credentials, { onRefused: (error) => refused.push(error) })
  credentials.take({ ...good, key: root.issue('other').key })
  credentials.take({ ...good, certificate: 'half' })
  t.equal(refused.length, 2)
  t.equal(await ask(port, { ca: root.authority.bundle }), 'nobody')
})
