import t from 'tap'
import { skipWithout } from '../setup/tools.ts'
import { stay, visit } from './laboratory.ts'
import { mitigationOf } from './mitigation-of.ts'
import { envoyTool, until } from './real-envoy.ts'
import { becomes, CLIENT, stage } from './stage.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(120_000) // a busy machine starts Envoys slowly

t.test('limits hold for the one source: connections a second, open connections, bytes a second', { skip }, async (t) => {
  await using scene = await stage()
  const { fleet, envoy, port, settled } = scene
  const limited = (name: string, source: string, value: number, unit: 'connections/s' | 'connections' | 'bytes/s', burst = value) =>
    mitigationOf(name, { subject: { uid: name, addresses: [source] }, action: 'limit', limit: { value, unit, burst } })
  fleet.apply([
    limited('rate', '127.0.0.71', 4, 'connections/s'), limited('open', '127.0.0.72', 2, 'connections'),
    limited('bytes', '127.0.0.73', 64 * 1024, 'bytes/s'),
    limited('both-1', '127.0.0.74', 20, 'connections/s', 2), limited('both-2', '127.0.0.74', 3, 'connections'),
  ])
  t.match(await settled('the limits'), { state: 'in-sync' })
  const seen = (name: string) => until(name, async () => await envoy.stat(name) > 0 ? true : undefined)

  await until('more than 4 a second are refused', async () => await visit('127.0.0.71', port) === 'refused' ? true : undefined)
  await seen('local_rate_limit.source_127_0_0_71.rate_limited')
  await becomes('127.0.0.71', port, 'served')

  {
    await until('the own chain is in use', async () => await visit('127.0.0.72', port) === 'served' && await envoy.stat('tcp.source_127_0_0_72.downstream_cx_total') > 0 ? true : undefined)
    await until('its visit is over', async () => await envoy.stat('connection_limit.source_127_0_0_72.active_connections') === 0 ? true : undefined)
    using first = await stay('127.0.0.72', port)
    using second = await stay('127.0.0.72', port)
    t.equal(await visit('127.0.0.72', port), 'refused', 'a third')
    t.equal(await first.echo('first') + await second.echo('second'), 'firstsecond')
  }
  await becomes('127.0.0.72', port, 'served')

  // Rate and count in one chain: what the rate refuses must not unbalance the count.
  await until('the rate refuses', async () => await visit('127.0.0.74', port) === 'refused' ? true : undefined)
  await becomes('127.0.0.74', port, 'served')
  await until('the count is even', async () => await envoy.stat('connection_limit.source_127_0_0_74.active_connections') === 0 ? true : undefined)

  const transfer = async (from: string) => {
    using connection = await stay(from, port)
    const began = performance.now()
    await connection.echoBytes(160 * 1024)
    return performance.now() - began
  }
  // 160 KiB at 64 KiB/s with a second's worth in the bucket: at least 1.5 s, each way.
  const slow = await transfer('127.0.0.73')
  t.ok(slow > 1200, `${slow} ms`)
  t.ok(await transfer(CLIENT) < slow, 'others are not limited')
  t.equal(await visit(CLIENT, port), 'served')
})
