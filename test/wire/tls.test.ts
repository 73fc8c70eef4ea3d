import { setTimeout } from 'node:timers/promises'
import { Server, type Client, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import type { Credentials } from '../../src/core/identity.ts'
import { HeldCredentials } from '../../src/wire/held-credentials.ts'
import { connect, serverTls, type ConnectOptions } from '../../src/wire/tls.ts'
import { identityOf, Root } from '../certs/samples.ts'

const bytes = (message: Buffer): Buffer => message
const ECHO = { path: '/test/Echo', requestStream: false, responseStream: false, requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes } as const

/** Answers each call with the name of the caller, until the test ends. */
async function serve (t: Test, source: HeldCredentials): Promise<string> {
  const server = new Server()
  server.addService({ echo: ECHO }, {
    echo: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => reply(null, Buffer.from(call.getAuthContext().sslPeerCertificate?.subjectaltname ?? '')),
  })
  t.teardown(() => server.forceShutdown())
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.bindAsync('127.0.0.1:0', serverTls(source), (error, port) => error === null ? resolve(port) : reject(error))
  return `127.0.0.1:${await promise}`
}

async function ask (client: Client): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  client.makeUnaryRequest(ECHO.path, bytes, bytes, Buffer.alloc(0), { deadline: Date.now() + 10_000 }, (error, answer) => error === null ? resolve(String(answer)) : reject(error))
  return promise
}

async function askOnce (target: string, credentials: Credentials, options: ConnectOptions = {}): Promise<string> {
  const client = connect(target, credentials, options)
  try {
    return await ask(client)
  } finally {
    client.close()
  }
}

t.test('new connections get the newest certificate, open ones go on, and the bundle decides who may come', async (t) => {
  const [old, next] = [new Root(), new Root()]
  const source = new HeldCredentials('none', old.issue('detector'))
  const target = await serve(t, source)
  const server = identityOf('detector')
  const open = connect(target, old.issue('first'), { server })
  t.teardown(() => open.close())
  t.equal(await ask(open), 'URI:spiffe://autoshield.test/ns/autoshield/pod/first')

  source.take(next.issue('detector'))
  t.match(await ask(open), /first/, 'the open connection stays')
  t.match(await askOnce(target, next.issue('second'), { server }), /second/, 'a new one is of the new CA')
  await t.rejects(askOnce(target, old.issue('third'), { server }), 'who is of the old one, and believes the old one, is out')
  await t.rejects(askOnce(target, { ...old.issue('third'), authorities: next.authority.bundle }, { server }), 'also where it believes the new server')
})

t.test('a valid certificate of any other workload is refused: a compromised pod cannot pose as the detector', async (t) => {
  const root = new Root()
  const target = await serve(t, new HeldCredentials('none', root.issue('some-pod', { ip: ['127.0.0.1'], dns: ['localhost'] })))
  await t.rejects(askOnce(target, root.issue('observer'), { server: identityOf('detector') }), { message: /the server is .*pod\/some-pod and not .*pod\/detector/ })
  await t.rejects(askOnce(target.replace('127.0.0.1', 'localhost'), root.issue('observer'), { server: identityOf('detector') }), 'by name, too')
  t.match(await askOnce(target, root.issue('observer'), { server: identityOf('some-pod') }), /observer/, 'it is itself')
  t.match(await askOnce(target, root.issue('observer')), /observer/, 'without an identity, its address counts')
})

t.test('without credentials a server drops connections, and serves as soon as there are some', async (t) => {
  const root = new Root()
  const source = new HeldCredentials('none')
  const target = await serve(t, source)
  await t.rejects(askOnce(target, root.issue('observer'), { server: identityOf('detector') }))
  source.take(root.issue('detector'))
  t.match(await askOnce(target, root.issue('observer'), { server: identityOf('detector') }), /observer/)
})

t.test('a certificate and then a root are rotated under load: no handshake and no call fails', async (t) => {
  const old = new Root()
  const source = new HeldCredentials('none', old.issue('detector'))
  const target = await serve(t, source)
  const server = identityOf('detector')
  let mine = old.issue('observer')
  const done = { calls: 0 }
  const stop = new AbortController()
  const failed: unknown[] = []
  const load = async () => {
    while (!stop.signal.aborted) {
      const client = connect(target, mine, { server })
      try {
        for (let call = 0; call < 3; call++) {
          await ask(client)
          done.calls++
        }
      } catch (error) {
        failed.push(error)
      } finally {
        client.close()
      }
    }
  }
  const loads = Promise.all([load(), load(), load(), load()])
  const some = async () => {
    for (const wanted = done.calls + 60; done.calls < wanted && failed.length === 0;) await setTimeout(1)
  }
  await some()
  source.take(old.issue('detector')) // renewed
  await some()
  const next = new Root(Date.now(), [old.certificate])
  const both = next.authority.bundle
  source.take({ ...old.issue('detector'), authorities: both }) // the new root is trusted first
  await some()
  mine = { ...mine, authorities: both }
  await some()
  source.take(next.issue('detector')) // and signs later
  await some()
  mine = next.issue('observer')
  await some()
  stop.abort()
  await loads
  t.same(failed, [])
  t.ok(done.calls >= 360, `${done.calls} calls`)
})
