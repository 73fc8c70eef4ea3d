import fc from 'fast-check'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { cutBy, holdOut } from '../../../src/core/history/hold-out.ts'
import { policyObject, recommend } from '../../../src/core/history/recommend.ts'
import { recommendationYaml } from '../../../src/core/history/recommendation-yaml.ts'
import { flowRecord, outside, podEnd, serviceEnd } from './records.ts'

const [WEB1, WEB2] = ['1', '2'].map((replica) => podEnd(`10.0.0.${replica}`, `web-${replica}`, { workload: 'Deployment/web', labels: { app: 'web', 'pod-template-hash': replica } })) as [ReturnType<typeof podEnd>, ReturnType<typeof podEnd>]
const DB = podEnd('10.0.0.9', 'db-0', { workload: 'StatefulSet/db', labels: { app: 'db', 'apps.kubernetes.io/pod-index': '0' } })
const MONITOR = podEnd('10.1.0.1', 'monitor-1', { namespace: 'ops', workload: 'Deployment/monitor', labels: { app: 'monitor' } })
const sql = { port: 5432, begun: 5 }
const nobody = (): boolean => false
const SEEN = [flowRecord(WEB1, DB, sql), flowRecord(WEB2, DB, sql), flowRecord(MONITOR, WEB1, { port: 9090 }), flowRecord(outside('192.0.2.1'), WEB2, { port: 443 }), flowRecord(outside('192.0.2.2'), WEB1, { port: 443 })]
  .map((record) => ({ ...record, witness: 'recording' as const }))

t.test('each workload gets what was seen of it, by labels that outlive a release, and DNS', (t) => {
  const { policies } = recommend(SEEN, 'shop', nobody)
  t.same(policies.map(({ name }) => name), ['seen-deployment-web', 'seen-statefulset-db'])
  const dns = { to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } }, podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } }], ports: [{ protocol: 'TCP', port: 53 }, { protocol: 'UDP', port: 53 }] }
  t.strictSame(policies.map(policyObject), [{
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'seen-deployment-web', namespace: 'shop' },
    spec: {
      podSelector: { matchLabels: { app: 'web' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        { from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ops' } }, podSelector: { matchLabels: { app: 'monitor' } } }], ports: [{ protocol: 'TCP', port: 9090 }] },
        { from: [{ ipBlock: { cidr: '192.0.2.1/32' } }, { ipBlock: { cidr: '192.0.2.2/32' } }], ports: [{ protocol: 'TCP', port: 443 }] },
      ],
      egress: [{ to: [{ podSelector: { matchLabels: { app: 'db' } } }], ports: [{ protocol: 'TCP', port: 5432 }] }, dns],
    },
  }, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'seen-statefulset-db', namespace: 'shop' },
    spec: { podSelector: { matchLabels: { app: 'db' } }, policyTypes: ['Ingress', 'Egress'], ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ protocol: 'TCP', port: 5432 }] }], egress: [dns] },
  }])
  t.end()
})

t.test('the order in which flows were seen changes nothing', (t) => {
  const support = { sinceMs: 0, nowMs: 60_000, watched: [], heldOut: null, unseen: null }
  const expected = recommendationYaml(recommend(SEEN, 'shop', nobody), support)
  fc.assert(fc.property(fc.shuffledSubarray(SEEN, { minLength: SEEN.length }), (records) => recommendationYaml(recommend(records, 'shop', nobody), support) === expected), { numRuns: 30 })
  t.end()
})

t.test('everything that the policies were made of passes them, and nothing that no flow was of', (t) => {
  const end = fc.constantFrom(WEB1, WEB2, DB, MONITOR, outside('192.0.2.1'), outside('198.51.100.7'), podEnd('10.0.0.20', 'bare', { workload: null, labels: {} }), serviceEnd('10.96.0.7'))
  const record = fc.tuple(end, end, fc.constantFrom(80, 443, 5432), fc.constantFrom(6, 17)).filter(([source, destination]) => source !== destination && source.service === null)
    .map(([source, destination, port, protocol]) => flowRecord(source, destination, { port, protocol, witness: 'recording' }))
  fc.assert(fc.property(fc.array(record, { maxLength: 12 }), (records) => {
    const recommendation = recommend(records, 'shop', nobody)
    return cutBy(recommendation, recommendation.supporting).length === 0
  }), { numRuns: 200 })
  const never = flowRecord(MONITOR, DB, { port: 22, begun: 3 })
  t.match(cutBy(recommend(SEEN, 'shop', nobody), [...SEEN, never]), [{ source: 'ops/Deployment/monitor', destination: 'shop/StatefulSet/db', port: 22, connections: 3 }])
  t.end()
})

t.test('attacks and attempts that never succeeded are left out, and named', (t) => {
  const scan = { ...flowRecord(MONITOR, DB, { port: 22, begun: 3, failed: 3 }), witness: 'recording' as const }
  const attack = { ...flowRecord(MONITOR, DB, { port: 5432, begun: 9 }), witness: 'recording' as const }
  const recommendation = recommend([...SEEN, scan, attack], 'shop', (record) => record === attack)
  t.match(recommendation.leftOut, [{ why: 'suspicious', record: attack }, { why: 'failed', record: scan }])
  t.same(recommendation.policies.map(policyObject), recommend(SEEN, 'shop', nobody).policies.map(policyObject))
  const yaml = recommendationYaml(recommendation, { sinceMs: 0, nowMs: 60_000, watched: [], heldOut: null, unseen: ['late-0'] })
  t.match(yaml, /# Left out, for it may be part of an attack that was detected:\n# {3}ops\/Deployment\/monitor -> shop\/StatefulSet\/db port 5432: 9 connections/)
  t.match(yaml, /# Left out, for no attempt succeeded:\n# {3}ops\/Deployment\/monitor -> shop\/StatefulSet\/db port 22: 3 connections, 3 failed/)
  t.match(yaml, /# Pods that were not seen at all: late-0/)
  t.end()
})

t.test('how long the pods were observed is said for the namespace and for each workload', (t) => {
  const watched = [{ uid: WEB1.pod?.uid ?? '', sinceMs: 60_000, minutes: 120, observed: 90 }, { uid: 'bare', sinceMs: 0, minutes: 60, observed: 0 }]
  const yaml = recommendationYaml(recommend(SEEN, 'shop', nobody), { sinceMs: 0, nowMs: 60_000, watched, heldOut: null, unseen: null })
  t.match(yaml, /# Observed: 1 of 2 pods had an observer that reported \(50 %\), for 1\.5 of their 3\.0 hours, since 1970-01-01T00:00Z\./)
  t.match(yaml, /# shop\/Deployment\/web: 2 pods, [^\n]*\n# 1 of 1 pod had an observer that reported \(100 %\), for 1\.5 of their 2\.0 hours\n/)
  t.match(recommendationYaml(recommend(SEEN, 'shop', nobody), { sinceMs: 0, nowMs: 60_000, watched: [], heldOut: null, unseen: null }), /# How long its pods were observed is not known here\./)
  t.end()
})

t.test('a workload of which one pod has no observer gets no policy: who knows what it does', (t) => {
  const unobserved = SEEN.map((record) => ({ ...record, witness: record.source === WEB2 ? 'destination' as const : record.destination === WEB2 ? 'source' as const : record.witness }))
  const recommendation = recommend(unobserved, 'shop', nobody)
  t.same(recommendation.policies.map(({ name }) => name), ['seen-statefulset-db'])
  t.match(recommendationYaml(recommendation, { sinceMs: 0, nowMs: 60_000, watched: [], heldOut: null, unseen: null }), /# No policy for:\n# {3}Deployment\/web: without an observer of its own: web-2/)
  t.end()
})

t.test('what is behind a Service is allowed, not the Service\'s address', (t) => {
  const api = serviceEnd('10.96.0.1', { namespace: 'default', name: 'kubernetes', selector: {}, ports: [{ protocol: 'TCP', port: 443, target: 6443 }], addresses: ['192.0.2.10', '192.0.2.11'] })
  const cache = serviceEnd('10.96.0.8', { namespace: 'cache', name: 'redis', selector: { app: 'redis' }, ports: [{ protocol: 'TCP', port: 6379, target: 7000 }] })
  const [policy] = recommend([{ ...flowRecord(DB, api, { port: 443 }), witness: 'source' }, { ...flowRecord(DB, cache, { port: 6379 }), witness: 'source' }], 'shop', nobody).policies
  const { spec: { egress } } = (policy === undefined ? {} : policyObject(policy)) as { spec: { egress: object[] } }
  t.match(egress, [
    { to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'cache' } }, podSelector: { matchLabels: { app: 'redis' } } }], ports: [{ protocol: 'TCP', port: 7000 }] },
    { to: [{ ipBlock: { cidr: '192.0.2.10/32' } }, { ipBlock: { cidr: '192.0.2.11/32' } }], ports: [{ protocol: 'TCP', port: 6443 }] },
    {},
  ])
  t.end()
})

t.test('the newest part is held out and tried on policies made without it', (t) => {
  const first = SEEN.filter(({ port }) => port !== 9090)
  t.match(holdOut(first, SEEN, 'shop', nobody), { flows: 5, cut: [{ source: 'ops/Deployment/monitor', destination: 'shop/Deployment/web', port: 9090 }] })
  t.same(holdOut(SEEN, first, 'shop', nobody).cut, [])
  const yaml = recommendationYaml(recommend(SEEN, 'shop', nobody), { sinceMs: 0, nowMs: 60_000, watched: [], heldOut: { ms: 3_600_000, ...holdOut(first, SEEN, 'shop', nobody) }, unseen: null })
  t.match(yaml, /# Self-check: policies made without the newest 60 minutes would have cut 1 connections of these \(5 flows\)\.\n# {3}ops\/Deployment\/monitor -> shop\/Deployment\/web TCP 9090: 1/)
  t.end()
})

t.test('the YAML is what the policies are, with what supports each rule; no name can end a comment', (t) => {
  const evil = podEnd('10.0.0.30', 'evil', { workload: 'Deployment/x\nkind: Pod', labels: { app: 'evil' } })
  const recommendation = recommend([...SEEN, { ...flowRecord(evil, DB, { port: 1 }), witness: 'recording' }], 'shop', nobody)
  const yaml = recommendationYaml(recommendation, { sinceMs: 0, nowMs: 60_000, watched: [], heldOut: null, unseen: null })
  t.same(parseAllDocuments(yaml).map((document) => document.toJS() as unknown).filter((object) => object !== null), recommendation.policies.map(policyObject))
  t.match(yaml, /# shop\/Deployment\/web: 10 connections on TCP 5432/)
  t.notMatch(yaml, /&a1/)
  t.type(parse(yaml.split('---')[1] ?? ''), 'object')
  t.end()
})
