import { Registry } from 'prom-client'
import t from 'tap'
import { openAuditTrail } from '../../src/adapters/store/audit-trail.ts'
import { auditRefusal } from '../../src/cli/audit-refusal.ts'
import { connect } from '../../src/wire/tls.ts'
import { xdsMetrics } from '../../xds/metrics.ts'
import { refuse } from '../../xds/refusal.ts'
import { RefusalLog, type RefusalRecord } from '../../xds/refusal-log.ts'
import { LISTENER } from '../../xds/resource-type.ts'
import { DeltaClient } from './delta-client.ts'
import { Laboratory } from './laboratory.ts'
import { until } from './real-envoy.ts'

function log () {
  const clock = { nowMs: 1_000_000, now: () => clock.nowMs }
  const told: RefusalRecord[] = []
  const refusals = new RefusalLog({ clock, onRefusal: (record) => told.push(record), toldOfOne: 3, mostPeers: 2 })
  const add = (peer: string, times: number) => { for (let time = 0; time < times; time++) refusals.add({ ...refuse('Revoked'), peer, identity: null }) }
  return { clock, told, refusals, add, show: () => told.splice(0).map(({ peer, count }) => `${peer} ${count}`) }
}

t.test('a peer is told of a few times a minute, and the rest as a sum', (t) => {
  const { clock, refusals, add, show } = log()
  add('a', 1237)
  add('b', 1)
  t.same(show(), ['a 1', 'a 1', 'a 1', 'b 1'])
  clock.nowMs += 59_999
  refusals.sweep()
  t.same(show(), [], 'not before the minute is over')
  clock.nowMs += 1
  refusals.sweep()
  t.same(show(), ['a 1234'])
  add('a', 1)
  t.same(show(), ['a 1'], 'a minute later it is told of again')
  t.equal(refusals.counts.get('Revoked'), 1239, 'and each was counted')
  t.end()
})

t.test('many peers share one place', (t) => {
  const { refusals, add, show } = log()
  for (let peer = 0; peer < 1000; peer++) add(`peer-${peer}`, 1)
  t.equal(show().length, 2 + 3)
  refusals.flush()
  t.same(show(), ['peer-999 995'])
  t.end()
})

t.test('refusals are in the audit trail and in the metrics, by reason', async (t) => {
  await using audit = openAuditTrail(t.testdir(), { clock: { now: Date.now } })
  const failures: string[] = []
  const say = (_: object, message: string): void => { failures.push(message) }
  await using laboratory = await Laboratory.start({ onRefusal: (record) => auditRefusal(audit, record, { info: say, warn: say, error: say }) })
  for (let attempt = 0; attempt < 13; attempt++) {
    using client = new DeltaClient(connect(`127.0.0.1:${laboratory.port}`, laboratory.credentials('victim', { domain: 'elsewhere.test' })))
    client.send({ typeUrl: LISTENER })
    await client.ended
  }
  await until('ten are in the trail', () => audit.search({ action: 'xds.refused' }).length === 10 || undefined)
  t.match(audit.search({ limit: 1 }), [{ actor: 'spiffe://elsewhere.test/ns/test/pod/victim', action: 'xds.refused', reason: 'WrongTrustDomain', detail: { peer: '127.0.0.1', count: 1 } }])
  const registry = new Registry()
  if (laboratory.server !== undefined) xdsMetrics(registry, laboratory.fleet, laboratory.server)
  const text = await registry.metrics()
  t.match(text, 'autoshield_xds_refusals_total{reason="WrongTrustDomain"} 13')
  t.match(text, 'autoshield_xds_refusals_total{reason="Revoked"} 0')
  await laboratory.stop()
  await until('the rest is in the trail as one', () => audit.search({ limit: 1, text: 'and 2 more' }).length === 1 || undefined)
  t.same(failures, [])
})
