import t from 'tap'
import { tryPolicies } from '../../../src/core/history/try-policies.ts'
import { readPolicy } from '../../../src/core/plan/reach/read-policy.ts'
import { flowRecord, outside, podEnd, serviceEnd } from './records.ts'

const GROUND = { nodes: [], plugin: 'most' } as const
const policy = (spec: object, name = 'p') => readPolicy({ metadata: { namespace: 'shop', name }, spec })
const WEB = podEnd('10.0.0.1', 'web')
const DB = podEnd('10.0.0.2', 'db')
const ONLY_WEB = policy({ podSelector: { matchLabels: { app: 'db' } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }] }] })
const trial = (records: Parameters<typeof tryPolicies>[0], after = [ONLY_WEB], before: typeof after = []) => tryPolicies(records, before, after, GROUND)
const ways = (flows: ReturnType<typeof trial>['cut']): string[] => flows.map(({ record: { source, destination, port } }) => `${source.pod?.name ?? source.address}>${destination.pod?.name ?? destination.address}:${port}`)

t.test('flows that pass now and would not are cut, those that would and do not now are opened', (t) => {
  const records = [flowRecord(WEB, DB), flowRecord(podEnd('10.0.0.3', 'job'), DB, { begun: 2 }), flowRecord(outside('192.0.2.1'), DB, { port: 22, begun: 1, carried: 8 })]
  const { cut, opened, flows, connections, unjudged } = trial(records)
  t.same(ways(cut), ['192.0.2.1>db:22', 'job>db:80'], 'most connections first')
  t.same(cut[0]?.after.ingress, { allowed: false, reason: 'NotListed', policies: ['shop/p'] })
  t.same([opened.length, flows, connections, unjudged], [0, 3, 12, 0])
  t.same(ways(trial(records, [], [ONLY_WEB]).opened), ['192.0.2.1>db:22', 'job>db:80'], 'taking it away again')
  t.end()
})

t.test('pods are judged by the labels that they had, also where one address had several pods', (t) => {
  const heir = podEnd('10.0.0.1', 'heir', { uid: 'uid-heir' })
  const relabelled = podEnd('10.0.0.3', 'job', { labels: { app: 'web' } })
  const before = podEnd('10.0.0.3', 'job')
  t.same(ways(trial([flowRecord(WEB, DB), flowRecord(heir, DB, { port: 81 }), flowRecord(relabelled, DB), flowRecord(before, DB, { port: 82 })]).cut).sort(), ['heir>db:81', 'job>db:82'])
  t.end()
})

t.test('namespaces are judged by the labels that they had', (t) => {
  const byTeam = policy({ podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'b' } } }] }] })
  const of = (address: string, team: string) => podEnd(address, `from-${team}`, { namespace: 'ops', namespaceLabels: { team } })
  t.same(ways(trial([flowRecord(of('10.0.0.5', 'a'), DB), flowRecord(of('10.0.0.6', 'b'), DB)], [byTeam]).cut), ['from-a>db:80'])
  t.end()
})

t.test('flows through a Service are judged where they end', (t) => {
  const egress = policy({ podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'], egress: [{ to: [{ podSelector: { matchLabels: { app: 'db' } } }], ports: [{ port: 5432 }] }] })
  t.same(trial([flowRecord(WEB, serviceEnd('10.96.0.7'), { witness: 'source' })], [egress]).cut, [])
  t.same(ways(trial([flowRecord(WEB, serviceEnd('10.96.0.8', { selector: { app: 'cache' } }), { witness: 'source' })], [egress]).cut), ['web>service db:5432'])
  t.end()
})

t.test('what no policy speaks of is counted and not judged', (t) => {
  t.match(trial([flowRecord(WEB, DB, { protocol: 1, port: 0, begun: 4 }), flowRecord(WEB, DB, { port: 0, begun: 5 })]), { flows: 0, connections: 0, unjudged: 9 })
  t.end()
})
