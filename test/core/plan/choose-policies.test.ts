import t from 'tap'
import { parse } from 'yaml'
import type { PolicyPlace } from '../../../src/core/mitigation/mitigation.ts'
import { groundOf } from '../../../src/core/plan/check-plan.ts'
import { optionsOf, type Placing } from '../../../src/core/plan/choose-policies.ts'
import { planAction } from '../../../src/core/plan/plan-action.ts'
import type { Plan } from '../../../src/core/plan/plan.ts'
import { readPolicy } from '../../../src/core/plan/reach/read-policy.ts'
import type { Pod } from '../../../src/core/pod.ts'
import type { Detection } from '../../../src/core/verdict/detection.ts'
import { context, detectionOf, PODS, podOf, ruleOf } from './scene.ts'

const policy = (name: string, spec: object, namespace = 'shop'): object => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { namespace, name }, spec })
const WEB = { matchLabels: { app: 'web' } }
const DB = { matchLabels: { app: 'db' } }
const PROXY = { proxy: {} as unknown as NonNullable<Pod['proxy']> }

function planIn (policies: readonly object[], action: string, detection: Detection = detectionOf(), pods: readonly Pod[] = Object.values(PODS)): Plan {
  const ruled = ruleOf(action)
  const ground = groundOf({
    pods,
    namespaces: ['shop', 'other', 'kube-system'].map((name) => ({ name, labels: { 'kubernetes.io/metadata.name': name } })),
    nodes: [{ name: 'n1', addresses: ['192.168.0.1'] }],
    policies: policies.map(readPolicy),
    plugin: 'most',
  })
  return planAction(ruled.rule, ruled.action, detection, context({ pods, cluster: { known: true, ground, seen: () => [] } }))
}

t.test('which ways there are follows the table of placings', (t) => {
  const victims = [{ uid: 'a', addresses: ['10.0.0.1'] }]
  const table: [Placing, 'egress' | 'ingress' | 'both', boolean, readonly (readonly PolicyPlace[])[]][] = [
    ['isolation', 'both', true, [['isolation']]],
    ['isolation', 'egress', false, [['isolation']]],
    ['by-direction', 'egress', true, [['egress']]],
    ['by-direction', 'egress', false, [['egress']]],
    ['by-direction', 'ingress', true, [['ingress']]],
    ['by-direction', 'ingress', false, []],
    ['by-direction', 'both', true, [['egress'], ['ingress'], ['egress', 'ingress']]],
    ['by-direction', 'both', false, [['egress']]],
  ]
  for (const [placing, direction, named, options] of table) {
    const name = `${placing}, ${direction}, ${String(named)}`
    t.strictSame(optionsOf({ direction, victims, ...(!named && { workloads: ['*'] }) }, placing, 'most'), options, name)
    const denying = placing === 'isolation' ? [] : options.map((places) => places.map((place) => `${place}-deny`))
    t.strictSame(optionsOf({ direction, victims, ...(!named && { workloads: ['*'] }) }, placing, 'cilium'), [...denying, ...options], `${name}, with Cilium`)
    if (!named) t.strictSame(optionsOf({ direction, victims: [] }, placing, 'most'), options, `${name}, an address outside`)
  }
  t.end()
})

t.test('the smallest option that cuts is taken, and what others would do is told', (t) => {
  const everything = policy('everything', { podSelector: WEB, policyTypes: ['Egress'], egress: [{}] })
  const dbOpen = policy('db-open', { podSelector: DB, ingress: [{}] })
  const BOTH = 'network_policy, parameters: { direction: both }'
  const table: [string, readonly object[], string, readonly PolicyPlace[] | undefined, RegExp][] = [
    ['nothing isolates', [], 'network_policy', ['egress'], /, by NetworkPolicy at the egress of the suspect\.$/],
    ['nothing isolates, either end', [], BOTH, ['egress'], /egress of the suspect\.$/],
    ['at the victim', [], 'network_policy, parameters: { direction: ingress }', ['ingress'], /at the ingress of the victims\.$/],
    ['another lets the suspect out', [everything], BOTH, ['ingress'], /by NetworkPolicy at the ingress of the victims\. Not by NetworkPolicy at the egress of the suspect: .*shop\/everything allows it\.$/],
    ['and the rule asks for egress alone', [everything], 'network_policy', undefined, /^Nothing here can carry this denial\. Not by .*shop\/everything/],
    ['both are let through', [everything, dbOpen], BOTH, undefined, /shop\/everything.*shop\/db-open/],
  ]
  for (const [name, policies, action, taken, message] of table) {
    const plan = planIn(policies, action)
    t.strictSame(plan.spec?.policies, taken, name)
    t.match(plan.message, message, name)
    t.equal(plan.reason, taken === undefined ? 'AddsUp' : 'RuleMatched', name)
    t.equal(plan.targets.length, taken?.length ?? 0, name)
    t.equal(plan.objects.length > 0, taken !== undefined, name)
  }
  t.end()
})

t.test('a plan that would open anything is not made', (t) => {
  const shut = policy('shut', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
  const plan = planIn([shut, policy('out', { podSelector: WEB, policyTypes: ['Egress'], egress: [{ to: [{ podSelector: DB }] }] }), policy('in', { podSelector: DB, ingress: [{ from: [{ podSelector: WEB }] }] })], 'network_policy, parameters: { direction: both }')
  t.match(plan, { spec: null, reason: 'OpensTraffic', objects: [] })
  t.end()
})

t.test('where no policy can cut it, proxies carry it as far as they go', (t) => {
  const everything = policy('everything', { podSelector: {}, policyTypes: ['Ingress', 'Egress'], ingress: [{}], egress: [{}] })
  const outside = detectionOf({ target: { address: '203.0.113.9' } })
  const sweep = detectionOf({ kind: 'fan-out', target: null })
  const table: [string, Detection, (keyof typeof PODS)[], Plan['reason'], RegExp][] = [
    ['the victim has one', detectionOf(), ['db'], 'RuleMatched', /^Denies .*, by proxies alone\. Not by NetworkPolicy/],
    ['the suspect alone has one', detectionOf(), ['web0'], 'CannotEnforce', /only 1 of 2 pods have one/],
    ['some victims have one', sweep, ['db'], 'CannotEnforce', /only 1 of 3 pods have one/],
    ['nobody has one', detectionOf(), [], 'AddsUp', /^Nothing here can carry/],
    ['to outside, the suspect has one', outside, ['web0'], 'RuleMatched', /by proxies alone\./],
    ['to outside, nobody has one', outside, [], 'AddsUp', /^Nothing here/],
  ]
  for (const [name, detection, proxied, reason, message] of table) {
    const pods = Object.entries(PODS).map(([key, pod]) => proxied.some((each) => each === key) ? { ...pod, ...PROXY } : pod)
    const plan = planIn([everything], 'network_policy', detection, pods)
    t.match({ ...plan, spec: plan.spec?.policies ?? null }, { reason, message, spec: null, objects: [], targets: [] }, name)
    t.equal(plan.spec === null, proxied.length === 0, name)
  }
  t.end()
})

t.test('what nobody knows is not chosen from', (t) => {
  const ruled = ruleOf('network_policy')
  const plan = planAction(ruled.rule, ruled.action, detectionOf(), context({ cluster: { known: false, why: 'NetworkPolicy shop/new has a field that is not known.' } }))
  t.match(plan, { spec: null, reason: 'CannotEnforce', message: /shop\/new has a field/ })
  t.end()
})

t.test('a sweep leaves name service and control plane open, and they are no victims of it', (t) => {
  const dns = podOf('dns-0', '10.0.0.5', { namespace: 'kube-system' })
  const plan = planIn([], 'network_policy', detectionOf({ kind: 'fan-out', target: null }), [...Object.values(PODS), dns])
  t.strictSame(plan.spec?.policies, ['egress'])
  t.notOk(plan.spec?.victims.some(({ uid }) => uid === dns.uid))
  t.match(plan.objects.at(-1)?.yaml, /operator: In\n\s+values:\n\s+- kube-system/)
  t.end()
})

t.test('a SYN flood is stopped by a policy, which sees half-open connections, and by no proxy', (t) => {
  t.equal(planIn([], 'network_policy', detectionOf({ class: 'SYN_FLOOD' })).reason, 'RuleMatched')
  t.end()
})

/** The plan under Cilium beside these policies of others. */
function underCilium (theirs: readonly object[], action: string, detection = detectionOf(), unjudged: readonly string[] = []): Plan {
  const ruled = ruleOf(action)
  const namespaces = ['shop', 'other', 'kube-system'].map((name) => ({ name, labels: { 'kubernetes.io/metadata.name': name } }))
  const ground = groundOf({ pods: Object.values(PODS), namespaces, nodes: [{ name: 'n9', addresses: ['192.168.0.9'] }], policies: theirs.map(readPolicy), plugin: 'cilium' })
  return planAction(ruled.rule, ruled.action, detection, context({ cluster: { known: true, ground, seen: () => [], unjudged } }))
}

t.test('under Cilium the smallest policy denies one way, and cuts no way to a node', (t) => {
  const plan = underCilium([], 'network_policy, parameters: { ports: [22] }')
  t.match(plan, { spec: { policies: ['egress-deny'] }, targets: ['ciliumnetworkpolicy/shop/autoshield-m-1-egress-deny'], reason: 'RuleMatched', message: /, by CiliumNetworkPolicy at the egress of the suspect\.$/ })
  t.strictSame((parse(plan.objects.at(-1)?.yaml ?? '') as { spec: object }).spec, {
    endpointSelector: { matchLabels: { 'autoshield.dev/pod': PODS.web0.uid } },
    enableDefaultDeny: { egress: false, ingress: false },
    egressDeny: [{ toEndpoints: [{ matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'shop', 'autoshield.dev/pod': PODS.db.uid } }], toPorts: [{ ports: [{ port: '22', protocol: 'ANY' }] }] }],
  })
  t.end()
})

t.test('under Cilium a plan says how many policies of others it does not judge, with names', (t) => {
  const names = ['a', 'b', 'c', 'd', 'e'].map((name) => `CiliumNetworkPolicy shop/${name}`)
  t.match(underCilium([], 'network_policy', detectionOf(), names).message, 'Not judged are 5 policies of others in Cilium\'s own language (CiliumNetworkPolicy shop/a, CiliumNetworkPolicy shop/b, CiliumNetworkPolicy shop/c and 2 more): what they keep closed counts as open.')
  t.match(underCilium([], 'network_policy', detectionOf(), names.slice(0, 1)).message, 'Not judged is 1 policy of others in Cilium\'s own language (CiliumNetworkPolicy shop/a): what')
  t.notMatch(underCilium([], 'network_policy').message, 'judged')
  t.end()
})

t.test('under Cilium a denial holds whatever the policies of others allow', (t) => {
  t.strictSame(underCilium([policy('let-out', { podSelector: WEB, policyTypes: ['Egress'], egress: [{}] })], 'network_policy').spec?.policies, ['egress-deny'])
  t.end()
})

t.test('under Cilium a sweep is kept from pods and the world, but neither from nodes nor from name service', (t) => {
  const plan = underCilium([], 'network_policy', detectionOf({ kind: 'fan-out', target: null }))
  t.strictSame((parse(plan.objects.at(-1)?.yaml ?? '') as { spec: { egressDeny: object[] } }).spec.egressDeny, [
    { toEndpoints: [{ matchExpressions: [{ key: 'k8s:io.kubernetes.pod.namespace', operator: 'Exists' }, { key: 'k8s:io.kubernetes.pod.namespace', operator: 'NotIn', values: ['kube-system'] }] }] },
    { toCIDR: ['0.0.0.0/0', '::/0'] },
  ])
  t.notMatch(plan.message, /it also cuts/)
  t.end()
})

t.test('under Cilium an isolation cuts nodes off as well, and says so', (t) => {
  t.match(underCilium([], 'pod_isolation'), { spec: { policies: ['isolation'] }, message: /it also cuts shop\/web-0 \(10\.0\.0\.1\) to node \(192\.168\.0\.9\)/ })
  t.end()
})
