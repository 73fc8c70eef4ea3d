import t from 'tap'
import { skipWithout } from '../setup/tools.ts'
import { explicitProxy, freePort, visit } from './laboratory.ts'
import { mitigationOf } from './mitigation-of.ts'
import { envoyTool, until } from './real-envoy.ts'
import { ATTACKER, becomes, stage } from './stage.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(120_000)

/** Nothing is refilled while a test runs. */
const slow = { action: 'limit', limit: { value: 0.001, unit: 'connections/s', burst: 3 } } as const

async function served (port: number): Promise<number> {
  let count = 0
  for (let at = 0; at < 10; at++) if (await visit(ATTACKER, port) === 'served') count++
  return count
}

t.test('a limit on connections that is exhausted stays so when its source is limited in a further way', { skip }, async (t) => {
  await using scene = await stage()
  const { fleet, envoy, port, settled } = scene
  fleet.apply([mitigationOf('slow', slow)])
  await settled('the limit')
  await becomes(ATTACKER, port, 'refused')
  t.equal(await served(port), 0)

  fleet.apply([mitigationOf('slow', slow), mitigationOf('few', { action: 'limit', limit: { value: 5, unit: 'connections', burst: 5 } })])
  await settled('a further limit')
  await until('the chain is another one', async () => (await envoy.admin('/stats')).includes('connection_limit.source_127_0_0_66.') || undefined)
  t.equal(await served(port), 0)
})

t.test('a limit on the connections to every port is one budget for all of them together', { skip }, async (t) => {
  await using scene = await stage()
  const { fleet, application, port, proxy, settled } = scene
  const second = await freePort()
  const upstream = { address: '127.0.0.1', port: application.port }
  fleet.setProxies([explicitProxy(proxy.podUid, [port, second].map((listen) => ({ listen: { address: '127.0.0.1', port: listen }, upstream })))])
  await settled('the second port')
  await becomes(ATTACKER, second, 'served')
  fleet.apply([mitigationOf('slow', slow)])
  await settled('the limit')
  await becomes(ATTACKER, port, 'refused')
  t.equal(await served(second), 0, 'what is spent on one port cannot be spent on another')

  const single = (name: string, only: number) => mitigationOf(name, { ...slow, ports: [only] })
  fleet.apply([single('one', port), single('other', second)])
  await settled('a limit for each port')
  await becomes(ATTACKER, port, 'served')
  await becomes(ATTACKER, port, 'refused')
  t.equal(await served(second), slow.limit.burst, 'two limits are two budgets')
})
