import t from 'tap'
import { skipWithout } from '../../setup/tools.ts'
import { stay, visit } from '../../xds/laboratory.ts'
import { mitigationOf } from '../../xds/mitigation-of.ts'
import { envoyTool, until } from '../../xds/real-envoy.ts'
import { ATTACKER, becomes, CLIENT } from '../../xds/stage.ts'
import { stage } from './stage.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(120_000) // a busy machine starts Envoys slowly

const limit = (unit: 'connections/s' | 'connections', value: number) => ({ action: 'limit', limit: { value, unit, burst: value } }) as const

async function visits (from: string, port: number, times: number): Promise<void> {
  for (let visited = 0; visited < times; visited++) await visit(from, port)
}

t.test('what a denial stops is counted as denied, and nobody else is counted', { skip }, async (t) => {
  await using scene = await stage()
  const { fleet, listener, port, settled } = scene
  fleet.apply([mitigationOf('deny')])
  await settled()
  await becomes(ATTACKER, port, 'refused')
  const before = listener.sums(ATTACKER).denied
  await visits(ATTACKER, port, 5)
  await visits(CLIENT, port, 3)
  const sums = await listener.counted(ATTACKER, ({ denied }) => denied >= before + 5)
  t.equal(sums.attempts, sums.denied + sums.passed)
  t.same(listener.sums(CLIENT), { attempts: 0, denied: 0, limited: 0, passed: 0, shadowed: 0 })
  t.match(listener.counts.at(-1), { source: ATTACKER, destination: '127.0.0.1', port, unit: 'connections' }, 'a listener that stands for a port names it')
})

t.test('what a limit stops is counted as limited, and what it lets through as passed', { skip }, async (t) => {
  await using scene = await stage()
  const { fleet, listener, port, settled } = scene
  fleet.apply([mitigationOf('rate', { ...limit('connections/s', 0.01), limit: { value: 0.01, unit: 'connections/s', burst: 2 } }), mitigationOf('open', { ...limit('connections', 1), subject: { uid: 'other', addresses: ['127.0.0.67'] } })])
  await settled()
  await until('the limit holds', async () => await visit(ATTACKER, port) === 'refused' ? true : undefined)
  await visits(ATTACKER, port, 4)
  const rate = await listener.counted(ATTACKER, ({ limited }) => limited >= 5)
  t.match(rate, { denied: 0, limited: 5 })
  t.ok(rate.passed >= 2, `${rate.passed} passed`)

  using held = await stay('127.0.0.67', port)
  await visits('127.0.0.67', port, 3)
  t.match(await listener.counted('127.0.0.67', ({ limited, passed }) => limited >= 3 && passed >= 1), { denied: 0, limited: 3, passed: 1 }, 'one that stays open counts before it is over')
  t.equal(await held.echo('still here'), 'still here')
})

t.test('in shadow an attempt passes, and counts as one that would have been stopped', { skip }, async (t) => {
  await using scene = await stage()
  const { fleet, listener, port, settled } = scene
  fleet.apply([mitigationOf('shadow', { mode: 'shadow' })])
  await settled()
  await until('it is counted in shadow', async () => {
    using visitor = await stay(ATTACKER, port)
    await visitor.echo('hello')
    return listener.entries.some(({ shadowed }) => shadowed) ? true : undefined
  })
  const sums = await listener.counted(ATTACKER, ({ shadowed }) => shadowed > 0)
  t.match(sums, { denied: 0, limited: 0 })
  t.ok(sums.shadowed > 0 && sums.shadowed <= sums.passed)
})

t.test('a port where nothing listens is seen as a failure, though the proxy answers there', { skip }, async (t) => {
  await using scene = await stage()
  const { listener, dead } = scene
  t.equal(await visit(CLIENT, dead), 'refused')
  const entry = await until('the failure', () => listener.entries.find(({ kind, local }) => kind === 'ended' && local.port === dead))
  t.match(entry, { fate: 'failed', receivedBytes: 0, chain: 'default' })
})

t.test('a connection that stays open is told of while it does', { skip }, async (t) => {
  await using scene = await stage()
  const { listener, port } = scene
  using visitor = await stay(CLIENT, port)
  await visitor.echo('hello')
  const going = await until('it is told of twice', () => {
    const told = listener.entries.filter(({ kind }) => kind === 'going')
    return told.length >= 2 ? told : undefined
  })
  t.match(going[1], { endMs: null, sentBytes: 5, receivedBytes: 16 })
  t.equal(listener.entries.some(({ kind }) => kind === 'ended'), false)
})

t.test('an observer that is gone, and comes back, holds nobody up', { skip }, async (t) => {
  await using scene = await stage()
  const { listener, port, envoy } = scene
  await visits(CLIENT, port, 5)
  await until('it logs', () => listener.entries.length >= 5 ? true : undefined)
  await listener.stop()
  for (let visited = 0; visited < 200; visited++) if (await visit(CLIENT, port) !== 'served') t.fail('a visitor was refused')
  const before = listener.entries.length
  await listener.serve()
  await until('it logs again', async () => {
    await visit(CLIENT, port)
    return listener.entries.length > before ? true : undefined
  })
  t.ok(await envoy.stat('access_logs.grpc_access_log.grpc_entries_flushed') > 0)
})
