import { once } from 'node:events'
import { createServer as createHttpServer, request } from 'node:http'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { Client, credentials, Metadata, Server as GrpcServer, ServerCredentials, status, type ServerDuplexStream } from '@grpc/grpc-js'
import t from 'tap'
import { Authority, createAuthority } from '../../certs/authority.ts'
import { skipWithout } from '../setup/tools.ts'
import { httpStage } from './http-stage.ts'
import { explicitProxy, freePort, Laboratory } from './laboratory.ts'
import { envoyTool, onLoopback, RealEnvoy, until } from './real-envoy.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(120_000)

async function listening (server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A port that was declared to speak nothing in particular, behind a real Envoy. */
async function tcpStage (upstream: number) {
  const stack = new AsyncDisposableStack()
  const laboratory = stack.use(await Laboratory.start())
  const port = await freePort()
  laboratory.fleet.setProxies([explicitProxy('victim', [{ listen: { address: '127.0.0.1', port }, upstream: { address: '127.0.0.1', port: upstream } }])])
  const envoy = stack.use(await RealEnvoy.start({ podUid: 'victim', xds: onLoopback(laboratory.port), credentials: laboratory.credentials('victim') }))
  await until(`Envoy takes its configuration: ${envoy.stderr}`, () => laboratory.fleet.statuses().find(({ state }) => state === 'in-sync'))
  return { port, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

async function everything (from: AsyncIterable<unknown>): Promise<string> {
  let text = ''
  for await (const part of from) text += String(part)
  return text
}

t.test('a server that speaks first, and a client that ends its side first, are heard to the end', { skip }, async (t) => {
  await using scene = await tcpStage(await listening(createServer({ allowHalfOpen: true }, (socket) => {
    socket.write('220 mail.test ready\r\n')
    let heard = ''
    socket.setEncoding('utf8').on('data', (text: string) => { heard += text }).on('end', () => socket.end(`heard ${heard.length}\r\n`))
  })))
  const socket = connect({ port: scene.port, host: '127.0.0.1', allowHalfOpen: true }).setEncoding('utf8')
  t.equal(String((await once(socket, 'data'))[0]), '220 mail.test ready\r\n')
  socket.end('x'.repeat(100_000))
  t.equal(await everything(socket), 'heard 100000\r\n')
})

t.test('TLS passes end to end: the client sees the certificate of the application', { skip }, async (t) => {
  const authority = new Authority(createAuthority('app.test', Date.now()))
  const { certificate, key } = authority.issueWithKey({ identity: { trustDomain: 'app.test', namespace: 'shop', uid: 'web' }, dns: ['web.app.test'] }, Date.now())
  await using scene = await tcpStage(await listening(createTlsServer({ cert: certificate, key, ALPNProtocols: ['h2'] }, (socket) => socket.end('inside'))))
  const socket = connectTls({ port: scene.port, host: '127.0.0.1', servername: 'web.app.test', ca: authority.bundle, ALPNProtocols: ['h2'] })
  await once(socket, 'secureConnect')
  t.equal(socket.authorized, true)
  t.equal(socket.alpnProtocol, 'h2')
  t.equal(await everything(socket), 'inside')
})

t.test('gRPC passes a declared port: messages both ways while the call is open, metadata, trailers, status', { skip }, async (t) => {
  const bytes = (value: Buffer): Buffer => value
  const method = { path: '/test.Echo/Talk', requestStream: true, responseStream: true, requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes } as const
  const server = new GrpcServer()
  server.addService({ talk: method }, {
    talk: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (message: Buffer) => call.write(Buffer.concat([Buffer.from('heard '), message])))
      call.on('end', () => {
        const trailers = new Metadata()
        trailers.set('told', String(call.metadata.get('who')[0]))
        call.emit('error', { code: status.FAILED_PRECONDITION, details: 'as agreed', metadata: trailers })
      })
    },
  })
  const upstream = await new Promise<number>((resolve, reject) => { server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => error === null ? resolve(port) : reject(error)) })
  t.teardown(() => server.forceShutdown())
  await using scene = await httpStage(upstream)
  const client = new Client(`127.0.0.1:${scene.port}`, credentials.createInsecure())
  t.teardown(() => client.close())
  const who = new Metadata()
  who.set('who', 'me')
  const call = client.makeBidiStreamRequest(method.path, bytes, bytes, who)
  const ended = new Promise((resolve) => { call.on('status', resolve).on('error', () => undefined) })
  for (const word of ['one', 'two']) {
    call.write(Buffer.from(word))
    t.equal(String((await once(call, 'data'))[0]), `heard ${word}`)
  }
  call.end()
  t.match(await ended, { code: status.FAILED_PRECONDITION, details: 'as agreed', metadata: { internalRepr: new Map([['told', ['me']]]) } })
})

t.test('a websocket passes a declared port', { skip }, async (t) => {
  const server = createHttpServer().on('upgrade', (_call, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
    socket.pipe(socket)
  })
  await using scene = await httpStage(await listening(server))
  const call = request({ port: scene.port, host: '127.0.0.1', headers: { Connection: 'Upgrade', Upgrade: 'websocket' } })
  call.end()
  const [, socket] = await once(call, 'upgrade') as [unknown, ReturnType<typeof connect>]
  t.teardown(() => socket.destroy())
  socket.write('ping')
  t.equal(String((await once(socket, 'data'))[0]), 'ping')
})
