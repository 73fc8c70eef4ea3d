import t from 'tap'
import { denialsOf } from '../../../sidecar/proxy/denials.ts'
import { socketsOf } from '../../../sidecar/proxy/socket-cutter.ts'
import { buildSnapshot } from '../../../xds/build-snapshot.ts'
import { DutyIndex } from '../../../xds/duty-index.ts'
import { createSnapshot, snapshotToJson } from '../../../xds/snapshot.ts'
import { mitigationOf } from '../../xds/mitigation-of.ts'

/** As Envoy dumps the listeners that the pod `victim` would have. */
function dumped (...mitigations: ReturnType<typeof mitigationOf>[]): string {
  const index = new DutyIndex()
  index.set(mitigations, 0)
  const { content } = buildSnapshot({ inbound: { mode: 'redirect', port: 15_006 }, outbound: { port: 15_001 }, httpPorts: [80] }, index.of('victim'))
  return JSON.stringify({ configs: snapshotToJson(createSnapshot(content, [])).listeners.map((listener) => ({ name: 'x', active_state: { version_info: '1', listener } })) })
}

t.test('of the chains that we make, those that deny are told apart from all others', async (t) => {
  t.same(denialsOf(dumped()), [])
  t.same(denialsOf(dumped(
    mitigationOf('deny', { subject: { uid: 'a', addresses: ['10.0.0.1', 'fd00::1'] } }),
    mitigationOf('watch', { subject: { uid: 'b', addresses: ['10.0.0.2'] }, action: 'watch' }),
    mitigationOf('limit', { subject: { uid: 'c', addresses: ['10.0.0.3'] }, action: 'limit', limit: { value: 5, unit: 'connections/s', burst: 5 } })
  ))?.map(({ address, port }) => `${address} ${String(port)}`), ['10.0.0.1 null', '10.0.0.1 80', 'fd00::1 null', 'fd00::1 80'])
  t.same(denialsOf(dumped(mitigationOf('out', { subject: { uid: 'victim', addresses: ['10.0.0.9'] }, victims: [{ uid: 'other', addresses: ['10.0.0.5'] }], direction: 'egress', ports: [22] }))), [{ side: 'destination', address: '10.0.0.5', port: 22 }])
})

t.test('what is no dump is told from one that denies nobody', async (t) => {
  for (const text of ['', '{', 'null', '[]', '{"configs": 1}']) t.equal(denialsOf(text), null, text)
  for (const text of ['{}', '{"configs": [{"active_state": {"listener": {"filter_chains": [{"name": "source/$(reboot)", "filters": [{"name": "envoy.filters.network.direct_response"}]}]}}}]}']) t.same(denialsOf(text), [], text)
})

t.test('the sockets of a denial are named as ss takes it', async (t) => {
  t.equal(socketsOf({ side: 'source', address: '10.0.0.1', port: null }, 15_006, [80, 15_006]), '( dst 10.0.0.1 or dst [::ffff:10.0.0.1] ) and ( sport = :15006 or sport = :80 )')
  t.equal(socketsOf({ side: 'source', address: 'fd00::1', port: 22 }, 15_006, [80]), 'dst [fd00::1] and ( sport = :22 )')
  t.equal(socketsOf({ side: 'destination', address: '10.0.0.1', port: null }, 15_006, []), '( dst 10.0.0.1 or dst [::ffff:10.0.0.1] )')
  t.equal(socketsOf({ side: 'destination', address: '10.0.0.1', port: 22 }, 15_006, [80, 15_006]), '( dst 10.0.0.1 or dst [::ffff:10.0.0.1] ) and dport = :22 and sport != :80 and sport != :15006')
})
