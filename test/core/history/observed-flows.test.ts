import t from 'tap'
import { observedFlows as observedFlowsOf } from '../../../src/core/history/observed-flows.ts'
import type { Pod } from '../../../src/core/pod.ts'
import { flowRecord, outside, podEnd } from './records.ts'

const pod = (name: string, address: string, change: Partial<Pod> = {}): Pod => ({ uid: `uid-${name}`, namespace: 'shop', name, addresses: [address], labels: {}, node: '', workload: `Deployment/${name}`, ...change })
const observedFlows = (records: Parameters<typeof observedFlowsOf>[0], pods: readonly Pod[]) => observedFlowsOf(records, { byUid: (uid) => pods.find((one) => one.uid === uid) ?? null, list: () => pods })
const NOW = [pod('web', '10.0.0.1'), pod('db', '10.0.0.2')]

t.test('flows are told between the addresses that pods have now', (t) => {
  const record = flowRecord(podEnd('10.0.0.1', 'web'), podEnd('10.0.0.99', 'db'), { port: 5432, begun: 3, carried: 2 })
  t.strictSame(observedFlows([record], NOW), [{ source: '10.0.0.1', destination: '10.0.0.2', protocol: 'TCP', port: 5432, connections: 5 }], 'the database has moved')
  const fromOutside = flowRecord(outside('192.0.2.1'), podEnd('10.0.0.1', 'web'))
  t.match(observedFlows([fromOutside], NOW), [{ source: '192.0.2.1', destination: '10.0.0.1' }])
  t.end()
})

t.test('a pod that is gone is stood for by one of its workload, and left out where there is none', (t) => {
  const old = podEnd('10.0.0.7', 'web-old', { workload: 'Deployment/web' })
  const database = podEnd('10.0.0.2', 'db')
  t.strictSame(observedFlows([flowRecord(old, database, { begun: 2 }), flowRecord(podEnd('10.0.0.1', 'web'), database)], NOW), [
    { source: '10.0.0.1', destination: '10.0.0.2', protocol: 'TCP', port: 80, connections: 3 },
  ], 'flows of one kind are one')
  t.strictSame(observedFlows([flowRecord(podEnd('10.0.0.7', 'job', { workload: 'Job/job' }), database), flowRecord(podEnd('10.0.0.7', 'bare', { workload: null }), database)], NOW), [])
  t.strictSame(observedFlows([flowRecord(podEnd('10.0.0.7', 'web-old', { workload: 'Deployment/web', namespace: 'other' }), database)], NOW), [], 'a workload of another namespace is another')
  t.end()
})

t.test('an address that has been handed on is not taken for the pod that had it', (t) => {
  const gone = podEnd('10.0.0.1', 'cron', { workload: null })
  t.strictSame(observedFlows([flowRecord(gone, podEnd('10.0.0.2', 'db'))], NOW), [])
  t.end()
})

t.test('a pod with addresses of both families is met in that of the record', (t) => {
  const both = pod('db', '10.0.0.2', { addresses: ['10.0.0.2', 'fd00::2'] })
  const record = flowRecord(podEnd('10.0.0.1', 'web', { uid: 'uid-web' }), podEnd('fd00::9', 'db'))
  t.match(observedFlows([record], [pod('web', '10.0.0.1'), both]), [{ destination: 'fd00::2' }])
  t.end()
})

t.test('what no policy speaks of is left out', (t) => {
  const [web, database] = [podEnd('10.0.0.1', 'web'), podEnd('10.0.0.2', 'db')]
  t.strictSame(observedFlows([flowRecord(web, database, { protocol: 1, port: 0 }), flowRecord(web, database, { port: 0 })], NOW), [])
  t.match(observedFlows([flowRecord(web, database, { protocol: 17, port: 53 })], NOW), [{ protocol: 'UDP' }])
  t.end()
})
