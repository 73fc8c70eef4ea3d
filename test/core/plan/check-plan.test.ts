import t from 'tap'
import { candidateOf, claimsOf } from '../../../src/core/plan/candidate.ts'
import { checkPlan, groundOf, type ObservedFlow, type PlanCheck } from '../../../src/core/plan/check-plan.ts'
import { optionsOf } from '../../../src/core/plan/choose-policies.ts'
import { planAction } from '../../../src/core/plan/plan-action.ts'
import { readPolicy } from '../../../src/core/plan/reach/read-policy.ts'
import type { Cluster } from '../../../src/core/plan/reach/reach.ts'
import type { Detection } from '../../../src/core/verdict/detection.ts'
import { context, detectionOf, PODS, renderedOf, ruleOf } from './scene.ts'

const policy = (name: string, spec: object, namespace = 'shop'): object => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { namespace, name }, spec })
const SHUT = policy('shut', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
const WEB = { matchLabels: { app: 'web' } }
const DB = { matchLabels: { app: 'db' } }

const cluster = (policies: readonly object[], change: Partial<Cluster> = {}): Cluster => ({
  pods: Object.values(PODS),
  namespaces: ['shop', 'other'].map((name) => ({ name, labels: { 'kubernetes.io/metadata.name': name } })),
  nodes: [{ name: 'n1', addresses: ['192.168.0.1'] }],
  policies: policies.map(readPolicy),
  plugin: 'most',
  ...change,
})

const flow = (source: string, destination: string, port: number, connections = 1): ObservedFlow => ({ source, destination, protocol: 'TCP', port, connections })
const SEEN = [flow('10.0.0.1', '10.0.0.3', 22, 900), flow('10.0.0.1', '10.0.0.3', 5432, 7), flow('10.0.0.2', '10.0.0.3', 5432, 40), flow('10.0.0.1', '203.0.113.9', 443, 3), flow('198.51.100.7', '10.0.0.1', 80, 60)]

function checked (action: string, now: Cluster, detection: Detection = detectionOf(), seen: readonly ObservedFlow[] = SEEN): PlanCheck {
  const ruled = ruleOf(action)
  const plan = planAction(ruled.rule, ruled.action, detection, context({ pods: now.pods }))
  if (plan.spec === null) throw new Error(plan.message)
  const placing = ruled.action.type === 'pod_isolation' ? 'isolation' : 'by-direction'
  return checkPlan(groundOf(now), candidateOf(renderedOf(plan, now.pods, placing), new Map()), claimsOf(plan.spec, optionsOf(plan.spec, placing, 'most').at(-1) ?? []), seen)
}

const cut = ({ cutFlows }: PlanCheck): string[] => cutFlows.map(({ flow: { source, destination, port }, claimed }) => `${source}>${destination}:${port}${claimed ? '' : ' collateral'}`)

t.test('where nothing isolates, a denial cuts what it claims and nothing else, but under Cilium the way to nodes', (t) => {
  for (const plugin of ['most', 'cilium'] as const) {
    const check = checked('network_policy, parameters: { ports: [22] }', cluster([], { plugin }))
    t.match(check, { reason: 'RuleMatched', opens: { listed: [], total: 0 }, cost: 0 })
    const [toNode, ...rest] = check.cuts.listed.toReversed()
    if (plugin === 'cilium') t.match(toNode, { source: 'shop/web-0 (10.0.0.1)', destination: 'node (192.168.0.1)' })
    t.strictSame(plugin === 'most' ? check.cuts : { listed: rest.toReversed(), total: check.cuts.total - 1 }, { listed: [{ source: 'shop/web-0 (10.0.0.1)', destination: 'shop/db-0 (10.0.0.3)', ports: ['TCP', 'UDP', 'SCTP'].map((protocol) => ({ protocol, first: 22, last: 22 })) }], total: 1 })
    t.strictSame(cut(check), ['10.0.0.1>10.0.0.3:22'])
  }
  t.end()
})

t.test('a plan that cannot do what it claims says why, by the policies of the others', (t) => {
  const webOut = policy('web-out', { podSelector: WEB, policyTypes: ['Egress'], egress: [{ to: [{ podSelector: DB }] }] })
  const dbIn = policy('db-in', { podSelector: DB, ingress: [{ from: [{ podSelector: WEB }] }] })
  const everything = policy('everything', { podSelector: {}, policyTypes: ['Ingress', 'Egress'], ingress: [{}], egress: [{}] })
  const node = { target: { address: '192.168.0.1' } }
  const table: [string, string, readonly object[], Detection, Partial<PlanCheck>][] = [
    ['all of it is allowed by another', 'network_policy', [everything], detectionOf(), { reason: 'AddsUp', message: 'NetworkPolicies add up: 10.0.0.1 still reaches 10.0.0.3 on TCP 1, for shop/everything allows it.' }],
    ['isolation too', 'pod_isolation', [everything], detectionOf(), { reason: 'AddsUp' }],
    ['both would open everything else to a pod that is shut in', 'network_policy', [SHUT, webOut, dbIn], detectionOf(), { reason: 'OpensTraffic' }],
    ['a denial at the victim opens it to all others', 'network_policy, parameters: { direction: ingress }', [dbIn], detectionOf(), { reason: 'OpensTraffic' }],
    ['isolation opens nothing, and is taken away by an allowance', 'pod_isolation', [SHUT, webOut], detectionOf(), { reason: 'RuleMatched' }],
    ['isolation of a pod that both ends allow', 'pod_isolation', [SHUT, webOut, dbIn], detectionOf(), { reason: 'AddsUp', message: /shop\/web-out allows it/ as unknown as string }],
    ['the node of the pod', 'network_policy', [], detectionOf(node), { reason: 'CannotEnforce', message: /192\.168\.0\.1 on TCP 1, and no policy of the plan can cut it \(egress OwnNode, ingress NoPod\)/ as unknown as string }],
  ]
  for (const [name, action, policies, detection, wanted] of table) t.match(checked(action, cluster(policies), detection), wanted, name)
  t.end()
})

t.test('what would be opened is named: between pods, and to outside', (t) => {
  const { opens } = checked('network_policy, parameters: { ports: [22] }', cluster([SHUT]))
  const ways = opens.listed.map(({ source, destination }) => `${source} > ${destination}`)
  // Everybody but the database is listed by the denial; what the other ends' policies keep shut stays shut.
  t.strictSame(ways, ['shop/web-0 (10.0.0.1) > other/far-0 (10.0.1.4)', 'shop/web-0 (10.0.0.1) > outside (0.0.0.0)', 'shop/web-0 (10.0.0.1) > outside (10.0.0.4)'])
  t.equal(opens.total, 3)
  const node = policy('node', { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ from: [{ ipBlock: { cidr: '192.168.0.1/32' } }] }] })
  const again = checked('network_policy, parameters: { ports: [22] }', cluster([SHUT, node])).opens
  t.strictSame(again.listed.filter(({ destination }) => destination === 'outside (192.168.0.1)'), [], 'a pod\'s own node was never shut')
  t.end()
})

t.test('what a plan costs are the connections that it cuts beside its claim', (t) => {
  const check = checked('pod_isolation', cluster([]))
  t.strictSame(cut(check), ['10.0.0.1>10.0.0.3:22', '10.0.0.1>10.0.0.3:5432', '10.0.0.1>203.0.113.9:443 collateral', '198.51.100.7>10.0.0.1:80 collateral'])
  t.match(check, { reason: 'RuleMatched', cost: 63 })
  t.equal(checked('network_policy', cluster([]), detectionOf(), [...SEEN, flow('192.168.0.1', '10.0.0.1', 80)]).cost, 0)
  t.end()
})

t.test('labels that a plan adds count, for what is selected by them as well', (t) => {
  const tagged = policy('tagged', { podSelector: { matchExpressions: [{ key: 'autoshield.dev/pod', operator: 'Exists' }] }, policyTypes: ['Egress'], egress: [{ to: [{ podSelector: DB }] }] })
  t.match(checked('network_policy', cluster([tagged])), { reason: 'AddsUp', message: /shop\/tagged allows it/ })
  t.end()
})

t.test('a plan whose policies are stored already is checked as if they were not', (t) => {
  const { rule, action } = ruleOf('network_policy')
  const plan = planAction(rule, action, detectionOf(), context())
  const candidate = candidateOf(renderedOf(plan), new Map())
  const check = checkPlan(groundOf({ ...cluster([]), policies: candidate.policies }), candidate, plan.spec === null ? [] : claimsOf(plan.spec, ['egress']), SEEN)
  t.match(check, { reason: 'RuleMatched', cuts: { total: 1 }, cutFlows: [{ claimed: true }, { claimed: true }] })
  t.end()
})
