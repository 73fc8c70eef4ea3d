import t from 'tap'
import type { Pod } from '../../../src/core/pod.ts'
import { trafficShare } from '../../../src/core/safety/traffic-share.ts'

const pod = (address: string, namespace = 'shop'): Pod => ({ uid: address, namespace, name: address, addresses: [address], labels: {}, node: 'n1' })
const [WEB, DB, OTHER, FAR] = [pod('10.0.0.1'), pod('10.0.0.2'), pod('10.0.0.3'), pod('10.0.1.1', 'bank')]
const byAddress = (address: string): Pod | null => [WEB, DB, OTHER, FAR].find(({ addresses }) => addresses.includes(address)) ?? null
const flow = (source: string, destination: string, flows: number) => ({ source, destination, flows })
const FLOWS = [flow('10.0.0.1', '10.0.0.2', 1000), flow('10.0.0.1', '10.0.0.3', 2), flow('10.0.1.1', '10.0.0.1', 3), flow('10.0.0.3', '10.0.0.2', 5), flow('10.0.1.1', '10.0.1.2', 7), flow('192.0.2.1', '10.0.0.2', 11)]
const source = { address: '10.0.0.1' }

t.test('what an isolation costs its namespace, for every row of the table', (t) => {
  t.strictSame(trafficShare('pod_isolation', WEB, { source, target: { address: '10.0.0.2' } }, () => FLOWS, byAddress), { namespace: 'shop', seen: 21, cut: 5 }, 'the attack itself is no cost')
  t.strictSame(trafficShare('pod_isolation', WEB, { source, target: null }, () => FLOWS, byAddress), { namespace: 'shop', seen: 19, cut: 3 }, 'of a fan-out all from its source is the attack')
  t.strictSame(trafficShare('pod_isolation', WEB, { source, target: null }, () => [], byAddress), { namespace: 'shop', seen: 0, cut: 0 })
  t.equal(trafficShare('pod_isolation', 'anySource', { source, target: null }, () => FLOWS, byAddress), null)
  t.equal(trafficShare('pod_isolation', null, { source, target: null }, () => FLOWS, byAddress), null)
  for (const action of ['network_policy', 'traffic_throttle', 'pod_termination', 'node_quarantine', 'alert_only', 'custom_webhook'] as const) t.equal(trafficShare(action, WEB, { source, target: null }, () => FLOWS, byAddress), null)
  t.end()
})
