import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import type { Limit } from '../../src/core/mitigation/mitigation.ts'
import { skipWithout } from '../setup/tools.ts'
import { httpClient, httpStage, teller } from './http-stage.ts'
import { visit } from './laboratory.ts'
import { mitigationOf } from './mitigation-of.ts'
import { envoyTool, until } from './real-envoy.ts'
import { stage } from './stage.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(180_000)

/** Addresses of loopback, each a source of its own. */
const SOURCES = Array.from({ length: 200 }, (_, at) => `127.0.2.${at + 1}`)
const [ATTACKER = '', ...OTHERS] = SOURCES
/** One in a hundred seconds: what is let through in a test is the burst, however slow the machine. */
const slowly = (unit: Limit['unit'], burst: number): Limit => ({ value: 0.01, unit, burst })
const limits = (limit: Limit) => SOURCES.map((address) => mitigationOf(`limit-${address.replaceAll('.', '-')}`, { subject: { uid: address, addresses: [address] }, action: 'limit', limit }))
const BURST = 5

t.test('of two hundred limited sources each has a budget of its own: connections a second', { skip }, async (t) => {
  await using scene = await stage()
  scene.fleet.apply(limits(slowly('connections/s', BURST)))
  t.match(await scene.settled('the limits'), { state: 'in-sync', mitigations: { length: 200 } })
  await until('the chains are in use', async () => {
    await visit('127.0.2.200', scene.port)
    return await scene.envoy.stat('tcp.source_127_0_2_200.downstream_cx_total') > 0 || undefined
  })
  const served = async (source: string, count: number) => (await Promise.all(Array.from({ length: count }, () => visit(source, scene.port)))).filter((answer) => answer === 'served').length
  t.equal(await served(ATTACKER, 60), BURST, 'the attacker has its burst')
  for (const source of OTHERS.slice(0, -1)) t.equal(await served(source, 2), 2, source)
  t.equal(await served(ATTACKER, 20), 0, 'and no more')
  scene.fleet.apply([...limits(slowly('connections/s', BURST)), mitigationOf('one-more', { subject: { uid: 'm', addresses: ['127.0.3.1'] } })])
  await scene.settled('a restriction of somebody else')
  await until('the new chain is in use', async () => await visit('127.0.3.1', scene.port) === 'refused' || undefined)
  t.equal(await served(ATTACKER, 5), 0, 'which gives it no fresh burst')
})

t.test('of two hundred limited sources each has a budget of its own: requests a second, on one connection or many', { skip }, async (t) => {
  await using application = await teller()
  await using scene = await httpStage(application.port)
  scene.fleet.apply(limits(slowly('requests/s', BURST)))
  t.match(await scene.settled('the limits'), { state: 'in-sync', mitigations: { length: 200 } })
  await until('the chains are in use', async () => {
    using last = httpClient('127.0.2.200', scene.port)
    await last.ask()
    return await scene.envoy.stat('http.source_127_0_2_200.downstream_cx_total') > 0 || undefined
  })
  const answers = async (source: string, count: number, connections: number) => {
    const clients = Array.from({ length: connections }, () => httpClient(source, scene.port))
    const statuses = await Promise.all(Array.from({ length: count }, async (_, at) => clients[at % connections]?.ask()))
    for (const client of clients) client[Symbol.dispose]()
    return statuses.filter((answer) => answer?.status === 200).length
  }
  t.equal(await answers(ATTACKER, 40, 8), BURST, 'the attacker has its burst, over all its connections')
  for (const source of OTHERS.slice(0, -1)) t.equal(await answers(source, 2, 1), 2, source)
  t.equal(await answers(ATTACKER, 20, 1), 0)
})

t.test('while one source guesses passwords and is limited, two hundred others keep their connections and lose no request', { skip }, async (t) => {
  await using application = await teller()
  await using scene = await httpStage(application.port)
  const friends = OTHERS.map((source) => httpClient(source, scene.port))
  for (const friend of friends) t.match(await friend.ask(), { status: 200 })
  const before = await scene.envoy.stat('http.default.downstream_cx_total')
  using guesser = httpClient(ATTACKER, scene.port)
  t.match(await guesser.ask('/login'), { status: 200 })

  scene.fleet.apply([mitigationOf('guesser', { subject: { uid: 'a', addresses: [ATTACKER] }, action: 'limit', limit: slowly('requests/s', BURST) })])
  await scene.settled('the limit')
  await until('its open connection is limited', async () => (await guesser.ask('/login'))?.status === 429 || undefined)
  const guesses = Array.from({ length: 100 }, async () => (await guesser.ask('/login'))?.status)
  const lost = (await Promise.all(friends.map(async (friend) => {
    const seen = []
    for (let asked = 0; asked < 5; asked++) seen.push((await friend.ask())?.status)
    return seen.filter((status) => status !== 200)
  }))).flat()
  t.same(lost, [])
  t.same(new Set(await Promise.all(guesses)), new Set([429]))
  t.equal(await scene.envoy.stat('http.default.downstream_cx_total') - before, 1, 'nobody but the guesser connected meanwhile')
  for (const friend of friends) friend[Symbol.dispose]()
})

t.test('a source that is limited in open connections takes none from another', { skip }, async (t) => {
  await using scene = await stage()
  scene.fleet.apply(limits({ value: 2, unit: 'connections', burst: 2 }).slice(0, 3))
  await scene.settled('the limits')
  await until('the chains are in use', async () => {
    await visit('127.0.2.3', scene.port)
    return await scene.envoy.stat('tcp.source_127_0_2_3.downstream_cx_total') > 0 || undefined
  })
  const held = [1, 2].map(() => connect({ host: '127.0.0.1', port: scene.port, localAddress: ATTACKER }))
  await Promise.all(held.map((socket) => once(socket, 'data')))
  t.equal(await visit(ATTACKER, scene.port), 'refused')
  t.equal(await visit('127.0.2.2', scene.port), 'served')
  for (const socket of held) socket.destroy()
  await until('its place is free again', async () => await visit(ATTACKER, scene.port) === 'served' || undefined)
})
