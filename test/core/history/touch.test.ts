import t from 'tap'
import { touches, touchOf, type Touch } from '../../../src/core/history/touch.ts'
import type { Plan } from '../../../src/core/plan/plan.ts'
import type { MitigationSpec } from '../../../src/core/mitigation/mitigation.ts'
import type { Pod } from '../../../src/core/pod.ts'
import type { Action } from '../../../src/core/policy/rule.ts'
import { flowRecord, outside, podEnd } from './records.ts'

const pod = (name: string, more: Partial<Pod> = {}): Pod => ({ uid: `uid-${name}`, namespace: 'shop', name, addresses: ['10.0.0.1'], labels: { app: name }, node: 'node-1', workload: `Deployment/${name}`, ...more })
const [WEB, DB, JOB] = [pod('web'), pod('db'), pod('job')]
const END = { web: podEnd('10.0.0.1', 'web'), db: podEnd('10.0.0.2', 'db'), job: podEnd('10.0.0.3', 'job'), dns: podEnd('10.0.0.4', 'dns', { namespace: 'kube-system' }) }
const behind = podEnd('10.96.0.1', 'service', { uid: 'service:shop/db', labels: { app: 'db' }, workload: null })
const spared = ['kube-system']

t.test('ends decide first: each kind of restriction touches its own', (t) => {
  const flows = [[END.web, END.db], [END.db, END.web], [END.web, END.job], [END.job, END.web], [END.web, END.dns], [END.dns, END.web], [END.web, outside('192.0.2.1')], [END.web, behind], [END.job, END.db]] as const
  const all = (touch: Touch): string => flows.map(([source, destination]) => touches(touch, flowRecord(source, destination)) === 'yes' ? '+' : '-').join('')
  t.equal(all({ kind: 'way', source: WEB, victims: [DB], addresses: [], ports: 'any' }), '+------+-', 'a way: to its victim, and to the Service in front of it')
  t.equal(all({ kind: 'way', source: WEB, victims: [], addresses: ['192.0.2.1'], ports: 'any' }), '------+--', 'a way outside')
  t.equal(all({ kind: 'outward', source: WEB, spared, ports: 'any' }), '+-+---++-', 'all that goes out, but to who is spared')
  t.equal(all({ kind: 'isolated', pod: WEB, spared }), '++++-+++-', 'both ways; who is spared is left as a way out')
  t.equal(all({ kind: 'inward', victims: [DB], ports: 'any' }), '+------++', 'all that comes to it')
  t.equal(all({ kind: 'gone', pods: [WEB] }), '++++++++-', 'a pod that is gone')
  t.end()
})

t.test('then protocol and port', (t) => {
  const way: Touch = { kind: 'way', source: WEB, victims: [DB], addresses: [], ports: [5432] }
  const any: Touch = { ...way, ports: 'any' }
  const flow = (protocol: number, port: number) => flowRecord(END.web, END.db, { protocol, port })
  t.equal(touches({ kind: 'gone', pods: [WEB] }, flow(1, 0)), 'yes', 'gone')
  t.equal(touches(any, flow(1, 0)), 'unknown', 'ICMP')
  t.equal(touches(any, flow(6, 0)), 'yes', 'any port')
  t.equal(touches(way, flow(6, 0)), 'unknown', 'a port that was not named')
  t.equal(touches(way, flow(17, 5432)), 'yes')
  t.equal(touches(way, flow(6, 80)), 'no')
  t.end()
})

const SPEC: MitigationSpec = {
  owner: { policy: 'p', rule: 'r', hash: '' },
  detection: 'd',
  subject: { uid: 'uid-web', addresses: ['10.0.0.1'] },
  victims: [{ uid: 'uid-db', addresses: ['10.0.0.2'] }],
  direction: 'both',
  ports: 'any',
  action: 'deny',
  mode: 'enforce',
  expiresAt: '2026-01-01T00:00:00Z',
  reason: '',
}
const plan = (more: Partial<Plan>): Plan => ({ spec: SPEC, objects: [], targets: [], blastRadius: [WEB], subject: WEB, reason: 'RuleMatched', message: '', undo: '', ...more })
const DENY: Action = { type: 'network_policy', direction: 'both', ports: 'any' }

t.test('a plan says what it would touch', (t) => {
  const later = [pod('db-2', { workload: 'Deployment/db' }), pod('other')]
  const of = (given: Partial<Plan>, action: Action = DENY) => touchOf(plan(given), action, { pods: [WEB, DB, JOB], later, spared })
  const eviction = { type: 'eviction', pod: { uid: 'uid-web', namespace: 'shop', name: 'web' }, gracePeriodSeconds: 0 } as const
  t.match(of({ spec: null, errand: eviction }), { kind: 'gone', pods: [WEB] }, 'an eviction')
  t.equal(of({ spec: { ...SPEC, subject: 'anySource', action: 'quarantine' }, blastRadius: [] }), null, 'a node that ends none')
  t.match(of({ spec: { ...SPEC, subject: 'anySource', action: 'quarantine' }, blastRadius: [WEB, DB] }), { kind: 'gone', pods: [WEB, DB] }, 'a node that ends some')
  t.equal(of({ spec: null }), null, 'no spec')
  t.match(of({ spec: { ...SPEC, subject: 'anySource' }, subject: 'anySource' }), { kind: 'inward', victims: [DB] }, 'any source')
  t.match(of({}, { type: 'pod_isolation' }), { kind: 'isolated', pod: WEB }, 'isolation')
  t.match(of({ spec: { ...SPEC, workloads: ['*'] } }), { kind: 'outward', source: WEB }, 'in front of every pod')
  t.match(of({ spec: { ...SPEC, workloads: ['shop/Deployment/db'], destinations: ['192.0.2.1'] } }), { kind: 'way', source: WEB, victims: [DB, { name: 'db-2' }], addresses: ['192.0.2.1'] }, 'in front of some')
  t.end()
})
