import { once } from 'node:events'
import { connect as connectHttp2, createServer as createHttp2Server, type ClientHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Limit } from '../../src/core/mitigation/mitigation.ts'
import { skipWithout } from '../setup/tools.ts'
import { httpClient, httpStage, teller, type Answer } from './http-stage.ts'
import { mitigationOf } from './mitigation-of.ts'
import { envoyTool, until } from './real-envoy.ts'
import { ATTACKER, CLIENT } from './stage.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(120_000)

const limit = (value: number, unit: Limit['unit']): Limit => ({ value, unit, burst: value })

t.test('a request and its answer pass a declared port as they are, but for the protocol that is noted where nobody did', { skip }, async (t) => {
  await using application = await teller()
  await using scene = await httpStage(application.port)
  using direct = httpClient(CLIENT, application.port)
  using through = httpClient(CLIENT, scene.port)
  const headers = ['X-Forwarded-For', '192.0.2.1', 'X-MiXeD', 'Case', 'X-Request-Id', 'mine', 'X-Forwarded-Client-Cert', 'By=me', 'X-Forwarded-Proto', 'https', 'Connection', 'keep-alive']
  for (const path of ['/', '/a//b/../c%2Fd?e=%20&f', '/%5C']) {
    const [plain, proxied] = [await direct.ask(path, headers), await through.ask(path, headers)]
    const heard = (answer: Answer | null) => {
      const { headers: pairs, ...rest } = JSON.parse(answer?.body ?? '{}') as { headers: string[] }
      const fields = pairs.flatMap((name, at) => at % 2 === 0 ? [`${name}: ${pairs[at + 1] ?? ''}`] : [])
      return { ...rest, fields: fields.filter((field) => !/^connection:/i.test(field)).sort() } // hop by hop
    }
    t.same(heard(proxied), heard(plain), path)
    const bare = heard(await through.ask(path)).fields.filter((field) => !heard(plain).fields.includes(field))
    t.same(bare, ['x-forwarded-proto: http'])
    const names = (answer: Answer | null) => Object.keys(answer?.headers ?? {}).filter((name) => !['connection', 'keep-alive'].includes(name)).sort()
    t.same(names(proxied), names(plain))
    t.equal(proxied?.headers['server'], 'teller')
  }
})

t.test('a denied source is answered 403 on a connection that was open, and closed on new ones; others keep theirs', { skip }, async (t) => {
  await using application = await teller()
  await using scene = await httpStage(application.port)
  using attacker = httpClient(ATTACKER, scene.port)
  using friend = httpClient(CLIENT, scene.port)
  t.match(await attacker.ask(), { status: 200 })
  t.match(await friend.ask(), { status: 200 })
  scene.fleet.apply([mitigationOf('deny-66')])
  t.match(await scene.settled('the denial'), { state: 'in-sync', mitigations: ['deny-66'] })
  await until('the open connection is denied', async () => (await attacker.ask('/', ['X-Forwarded-For', CLIENT]))?.status === 403 || undefined)
  using again = httpClient(ATTACKER, scene.port)
  await until('new ones are closed', async () => await again.ask() === null || undefined)
  t.match(await friend.ask(), { status: 200 })
  t.equal(await scene.envoy.stat('http.default.downstream_cx_destroy_local'), 0, 'nobody was drained')
  scene.fleet.apply([])
  await scene.settled('the undo')
  await until('the open one is served again', async () => (await attacker.ask())?.status === 200 || undefined)
})

for (const [kept, where] of [[true, 'a connection that was open'], [false, 'new connections']] as const) {
  t.test(`requests a second hold on ${where}, and for the source alone`, { skip }, async (t) => {
    await using application = await teller()
    await using scene = await httpStage(application.port)
    using open = httpClient(ATTACKER, scene.port)
    using friend = httpClient(CLIENT, scene.port)
    if (kept) await open.ask()
    await friend.ask()
    scene.fleet.apply([mitigationOf('slow', { action: 'limit', limit: limit(0.01, 'requests/s') })])
    t.match(await scene.settled('the limit'), { state: 'in-sync', mitigations: ['slow'] })
    await until('it is answered 429', async () => (await open.ask())?.status === 429 || undefined)
    t.same(new Set(await Promise.all(Array.from({ length: 20 }, async () => (await open.ask())?.status))), new Set([429]))
    t.same(new Set(await Promise.all(Array.from({ length: 20 }, async () => (await friend.ask())?.status))), new Set([200]))

    scene.fleet.apply([mitigationOf('slow', { action: 'limit', limit: limit(0.01, 'requests/s') }), mitigationOf('other', { subject: { uid: 'o', addresses: ['127.0.0.77'] } })])
    await scene.settled('a restriction of somebody else')
    if (!kept) t.match(await open.ask(), { status: 429 }, 'gives no fresh burst')
  })
}

t.test('a limit in shadow counts what it would have refused, and refuses nothing', { skip }, async (t) => {
  await using application = await teller()
  await using scene = await httpStage(application.port)
  scene.fleet.apply([mitigationOf('shadow', { mode: 'shadow', action: 'limit', limit: limit(0.01, 'requests/s') })])
  t.match(await scene.settled('the shadow'), { mitigations: ['shadow'] })
  const prefix = 'source_127_0_0_66.http_local_rate_limit'
  await until('it is counted', async () => {
    using attacker = httpClient(ATTACKER, scene.port)
    for (let asked = 0; asked < 3; asked++) t.match(await attacker.ask(), { status: 200 })
    return await scene.envoy.stat(`${prefix}.rate_limited`) > 0 || undefined
  })
  t.equal(await scene.envoy.stat(`${prefix}.enforced`), 0)
})

t.test('HTTP/2 passes a declared port, and is limited by requests, not connections', { skip }, async (t) => {
  const server = createHttp2Server((_call, answer) => answer.end('two')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  await using scene = await httpStage((server.address() as AddressInfo).port)
  const session = (from: string): ClientHttp2Session => connectHttp2(`http://127.0.0.1:${scene.port}`, { localAddress: from } as object)
  const ask = async (of: ClientHttp2Session): Promise<number> => {
    const stream = of.request({ ':path': '/' })
    const [headers] = await once(stream, 'response') as [{ ':status': number }]
    stream.resume()
    await once(stream, 'end')
    return headers[':status']
  }
  const [attacker, friend] = [session(ATTACKER), session(CLIENT)]
  t.teardown(() => { for (const each of [attacker, friend]) each.destroy() })
  t.equal(await ask(attacker), 200)
  t.equal(await ask(friend), 200)
  scene.fleet.apply([mitigationOf('slow', { action: 'limit', limit: limit(0.01, 'requests/s') })])
  await scene.settled('the limit')
  await until('streams of the open session are refused', async () => await ask(attacker) === 429 || undefined)
  t.same(await Promise.all(Array.from({ length: 5 }, () => ask(attacker))), [429, 429, 429, 429, 429])
  t.equal(await ask(friend), 200)
})
