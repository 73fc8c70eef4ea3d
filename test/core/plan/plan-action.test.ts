import { Value } from 'typebox/value'
import t from 'tap'
import { parse, parseDocument } from 'yaml'
import { MitigationSpec } from '../../../src/core/mitigation/mitigation.ts'
import type { NetworkPolicy } from '../../../src/core/plan/network-policy.ts'
import { planAction } from '../../../src/core/plan/plan-action.ts'
import type { Plan } from '../../../src/core/plan/plan.ts'
import type { Plugin } from '../../../src/core/plan/reach/policy.ts'
import { readPolicy } from '../../../src/core/plan/reach/read-policy.ts'
import { Reach } from '../../../src/core/plan/reach/reach.ts'
import { ProtectedSet } from '../../../src/core/safety/protected.ts'
import { safetyRequest } from '../../../src/core/plan/safety-request.ts'
import type { Pod } from '../../../src/core/pod.ts'
import type { Detection } from '../../../src/core/verdict/detection.ts'
import { context, detectionOf, NOW_MS, PODS, podOf, ruleOf } from './scene.ts'

function planOf (action: string, detection = detectionOf(), change: Parameters<typeof context>[0] = {}): Plan {
  const ruled = ruleOf(action)
  return planAction(ruled.rule, ruled.action, detection, context(change))
}

const FORGED = { evidence: { completedHandshake: false, confirmedByOwnObserver: false, standsForMany: false } }
const FAN_OUT = detectionOf({ kind: 'fan-out', target: null })
const FAN_IN = detectionOf({ kind: 'fan-in', class: 'SYN_FLOOD', source: null })
const OUTSIDE = detectionOf({ class: 'DATA_EXFILTRATION', target: { address: '203.0.113.9' } })
const STRANGER = detectionOf({ source: { address: '198.51.100.1' } })

const policiesIn = (plan: Plan): readonly NetworkPolicy[] => plan.objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ yaml }) => parse(yaml) as NetworkPolicy)

/** The pods as they are once the plan's labels are on them. */
function labelled (plan: Plan): Readonly<Record<keyof typeof PODS, Pod>> {
  const patches = plan.objects.filter(({ kind }) => kind === 'Pod').map(({ yaml }) => parse(yaml) as { metadata: { uid: string, labels: Record<string, string> } })
  const patched = (pod: Pod): Pod => patches.reduce((now, { metadata }) => metadata.uid === pod.uid ? { ...now, labels: { ...now.labels, ...metadata.labels } } : now, pod)
  return { web0: patched(PODS.web0), web1: patched(PODS.web1), db: patched(PODS.db), far: patched(PODS.far) }
}

/** Every way between four pods and an address outside, on three ports, that the plan's policies cut. */
function cutBy (plan: Plan, plugin: Plugin): readonly string[] {
  const pods = labelled(plan)
  const reach = new Reach({
    pods: Object.values(pods), namespaces: ['shop', 'other'].map((name) => ({ name, labels: {} })), nodes: [], policies: policiesIn(plan).map(readPolicy), plugin,
  })
  const ends: readonly (readonly [string, readonly string[]])[] = [...Object.entries(pods).map(([name, { addresses }]) => [name, addresses] as const), ['out', ['203.0.113.9']]]
  return ends.flatMap(([fromName, from]) => ends.filter(([toName]) => toName !== fromName).flatMap(([toName, to]) =>
    ([[22, 'TCP'], [443, 'TCP'], [22, 'UDP']] as const)
      .filter(([port, protocol]) => !from.some((source) => to.some((destination) => reach.verdict({ source, destination, port, protocol }).allowed)))
      .map(([port, protocol]) => `${fromName}>${toName} ${protocol} ${port}`)))
}

const everyPort = (...ways: readonly string[]): readonly string[] => ways.flatMap((way) => [`${way} TCP 22`, `${way} TCP 443`, `${way} UDP 22`])

t.test('a network_policy cuts exactly the way that it names, on every kind of CNI, and nothing of the siblings', (t) => {
  const far = detectionOf({ target: { address: 'fd00::4', uid: PODS.far.uid } })
  const table: [string, string, Detection, readonly string[]][] = [
    ['egress to a pod', 'network_policy', detectionOf(), everyPort('web0>db')],
    ['egress to a pod with two addresses', 'network_policy', far, everyPort('web0>far')],
    ['ingress at a pod', 'network_policy, parameters: { direction: ingress }', detectionOf(), everyPort('web0>db')],
    ['ingress in another namespace', 'network_policy, parameters: { direction: ingress }', far, everyPort('web0>far')],
    ['at both ends', 'network_policy, parameters: { direction: both }', far, everyPort('web0>far')],
    ['one port', 'network_policy, parameters: { ports: [22] }', detectionOf(), ['web0>db TCP 22', 'web0>db UDP 22']],
    ['two ports, at the target', 'network_policy, parameters: { direction: ingress, ports: [22, 443] }', detectionOf(), everyPort('web0>db')],
    ['an address outside', 'network_policy', OUTSIDE, everyPort('web0>out')],
    ['a sweep', 'network_policy', FAN_OUT, everyPort('web0>web1', 'web0>db', 'web0>far', 'web0>out')],
    ['a sweep of one port', 'network_policy, parameters: { ports: [443] }', FAN_OUT, ['web0>web1 TCP 443', 'web0>db TCP 443', 'web0>far TCP 443', 'web0>out TCP 443']],
    ['isolation', 'pod_isolation', detectionOf(), everyPort('web0>web1', 'web0>db', 'web0>far', 'web0>out', 'web1>web0', 'db>web0', 'far>web0', 'out>web0')],
  ]
  for (const [name, action, detection, cut] of table) {
    const plan = planOf(action, detection)
    for (const plugin of ['most', 'cilium'] as const) {
      t.strictSame([...cutBy(plan, plugin)].sort(), [...cut].sort(), `${name}, with ${plugin}`)
    }
    for (const policy of policiesIn(plan)) {
      t.match(policy, { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { labels: { 'app.kubernetes.io/managed-by': 'autoshield', 'autoshield.dev/mitigation': 'm-1' } } })
      t.match(policy.metadata.annotations, { 'autoshield.dev/owner': 'default.yaml#test', 'autoshield.dev/detection': 'd-1', 'autoshield.dev/expires-at': '2026-06-01T12:10:00.000Z', 'autoshield.dev/reason': /Test rule: #1/ })
      t.ok(policy.metadata.name.length <= 63)
    }
    t.strictSame(plan.targets, policiesIn(plan).map(({ metadata }) => `networkpolicy/${metadata.namespace ?? ''}/${metadata.name}`))
  }
  t.end()
})

t.test('a policy file says that policies add up, and the pods are labelled before it', (t) => {
  const plan = planOf('network_policy')
  t.strictSame(plan.objects.map(({ kind }) => kind), ['Pod', 'Pod', 'NetworkPolicy'])
  t.match(plan.objects.at(-1)?.yaml, /^# NetworkPolicies add up/)
  t.match(parse(plan.objects[0]?.yaml ?? ''), { kind: 'Pod', metadata: { name: 'web-0', namespace: 'shop', uid: PODS.web0.uid, labels: { 'autoshield.dev/pod': PODS.web0.uid } } })
  t.strictSame(policiesIn(plan)[0]?.spec.podSelector, { matchLabels: { 'autoshield.dev/pod': PODS.web0.uid } }, 'by no label that its author may change')
  t.end()
})

t.test('who is restricted follows the table of sources', (t) => {
  const web0 = { uid: PODS.web0.uid, addresses: ['10.0.0.1'], namespace: 'shop', name: 'web-0' }
  const flood = detectionOf({ class: 'SYN_FLOOD' })
  const limit = 'traffic_throttle, parameters: { rate_limit: "1000kbps" }'
  const table: [string, Plan, string, unknown][] = [
    ['a pod, proved', planOf('network_policy'), 'RuleMatched', web0],
    ['a pod, confirmed by its own observer', planOf('network_policy', detectionOf(), { evidence: { ...FORGED.evidence, confirmedByOwnObserver: true } }), 'RuleMatched', web0],
    ['a pod, not proved', planOf('network_policy', detectionOf(), FORGED), 'ForgedSource', null],
    ['a pod, not proved, limit', planOf(limit, detectionOf(), FORGED), 'ForgedSource', null],
    ['no known pod', planOf('network_policy', STRANGER), 'UnknownTarget', null],
    ['no known pod, not proved', planOf(limit, STRANGER, FORGED), 'UnknownTarget', null],
    ['fan-in, deny', planOf('network_policy', FAN_IN), 'CannotEnforce', null],
    ['fan-in, isolate', planOf('pod_isolation', FAN_IN), 'CannotEnforce', null],
    ['fan-in, terminate', planOf('pod_termination', FAN_IN), 'CannotEnforce', null],
    ['fan-in, limit', planOf(limit, FAN_IN), 'CannotEnforce', 'anySource'],
    ['fan-in at an unknown victim', planOf(limit, detectionOf({ kind: 'fan-in', source: null, target: { address: '203.0.113.9' } })), 'UnknownTarget', null],
    ['forged flood in a pair, limit', planOf(limit, flood, FORGED), 'CannotEnforce', 'anySource'],
    ['forged flood in a pair, deny', planOf('network_policy', flood, FORGED), 'CannotEnforce', null],
    ['real flood from a pod, deny', planOf('network_policy', flood), 'CannotEnforce', web0],
  ]
  for (const [name, plan, reason, subject] of table) {
    t.strictSame({ reason: plan.reason, subject: plan.spec?.subject ?? null }, { reason, subject }, name)
    t.equal(plan.spec === null || Value.Check(MitigationSpec, plan.spec), true, `${name}: the spec fits its schema`)
    if (plan.spec === null) t.strictSame(plan.objects, [], `${name}: nothing is planned`)
  }
  t.end()
})

t.test('all sources together are limited by their SYNs, where the victims\' proxies can, each row of the table', (t) => {
  const proxy = { inboundPort: 15_006, outboundPort: null, httpPorts: [], explicitPorts: [] }
  const [able, explicit] = [{ ...PODS.db, proxy: { ...proxy, mode: 'redirect' as const } }, { ...PODS.db, proxy: { ...proxy, mode: 'explicit' as const } }]
  const cluster = { known: false, why: 'it is not asked' } as const
  const rate = 'traffic_throttle, parameters: { rate_limit: "200 connections/s", burst_seconds: 2 }'
  const bytes = 'traffic_throttle, parameters: { rate_limit: 1Mbps }'
  const table: [string, string, Pod, boolean, string, boolean, RegExp][] = [
    ['unconnected, all', rate, able, false, 'RuleMatched', true, /^Limits all sources together to 200 connections\/s towards [^,]*, by their SYNs\.$/],
    ['unconnected, none', rate, explicit, false, 'CannotEnforce', true, /^Would limit .* 0 of 1 pods/],
    ['unconnected, bytes', bytes, able, false, 'CannotEnforce', true, /rate_limit: "200 connections\/s"/],
    ['connected, all', rate, able, true, 'RuleMatched', true, /by their SYNs/],
    ['connected, none', rate, PODS.db, true, 'CannotEnforce', false, /only its keeper can/],
    ['connected, bytes', bytes, able, true, 'CannotEnforce', false, /rate_limit: "200 connections\/s"/],
  ]
  for (const [name, action, db, connected, reason, planned, message] of table) {
    const plan = planOf(action, FAN_IN, { pods: [PODS.web0, db], ...(connected && { cluster }) })
    t.match({ reason: plan.reason, planned: plan.spec !== null, message: plan.message }, { reason, planned, message }, name)
  }
  const twins = [able, podOf('db-1', '10.0.0.5')]
  const some = planOf(rate, detectionOf({ ...FAN_IN, target: { address: '10.96.0.1' } }), { pods: twins, cluster, serviceAt: () => ({ namespace: 'shop', name: 'db', selector: { app: 'db' }, addresses: ['10.96.0.1'] }) })
  t.match(some, { reason: 'CannotEnforce', spec: { subject: 'anySource', limit: { value: 200, unit: 'connections/s', burst: 400 } }, message: /^Limits .* 1 of 2 pods/ }, 'connected, some')
  t.end()
})

t.test('an address that another pod has by now is not taken for the pod that was seen', (t) => {
  const successor = podOf('new-0', '10.0.0.1', { uid: 'another' })
  t.equal(planOf('network_policy', detectionOf(), { pods: [successor, PODS.db] }).reason, 'UnknownTarget')
  t.end()
})

t.test('a limit is bytes a second with a burst of one second, and names the victim in front of which it holds', (t) => {
  const plan = planOf('traffic_throttle, parameters: { rate_limit: "1000kbps", ports: [80] }')
  t.match(plan.spec, {
    action: 'limit',
    limit: { value: 125_000, unit: 'bytes/s', burst: 125_000 },
    direction: 'ingress',
    ports: [80],
    mode: 'enforce',
    detection: 'd-1',
    owner: { policy: 'default.yaml', rule: 'test', hash: 'a'.repeat(64) },
    victims: [{ uid: PODS.db.uid }],
    expiresAt: '2026-06-01T12:10:00.000Z',
  })
  t.strictSame(plan.objects.map(({ kind, yaml }) => [kind, (parse(yaml) as { spec: unknown }).spec]), [['Mitigation', plan.spec]])
  const slow = planOf('traffic_throttle, parameters: { rate_limit: "1000kbps", burst_seconds: 0.5 }')
  t.equal(slow.spec?.limit?.burst, 62_500)
  t.end()
})

t.test('victims: the target, every other pod of a sweep, nobody where the target is outside', (t) => {
  const uids = (plan: Plan): readonly string[] => (plan.spec?.victims ?? []).map(({ uid }) => uid)
  t.strictSame(uids(planOf('network_policy')), [PODS.db.uid])
  t.strictSame(uids(planOf('network_policy', FAN_OUT)), [PODS.web1.uid, PODS.db.uid, PODS.far.uid])
  t.strictSame(uids(planOf('pod_isolation')), [PODS.web1.uid, PODS.db.uid, PODS.far.uid])
  const outside = planOf('network_policy', OUTSIDE)
  t.strictSame(uids(outside), [])
  t.strictSame(outside.spec?.destinations, ['203.0.113.9'])
  const crowd = Array.from({ length: 900 }, (_, index) => podOf(`p-${index}`, `10.9.${Math.floor(index / 250)}.${index % 250}`, { uid: `u${index}` }))
  t.equal(uids(planOf('pod_isolation', detectionOf(), { pods: [PODS.web0, ...crowd] })).length, 500, 'bounded')
  t.end()
})

t.test('an attack by way of a Service is cut at each pod behind it; where nothing is, nothing is planned', (t) => {
  const at = (selector: Record<string, string>, action = 'network_policy, parameters: { direction: both }') => planOf(action, detectionOf({ target: { address: '10.96.0.2' } }), {
    pods: [PODS.web0, { ...PODS.web1, workload: 'Deployment/web' }, PODS.db, PODS.far],
    serviceAt: (address) => address === '10.96.0.2' ? { namespace: 'shop', name: 'front', selector, addresses: [] } : null,
  })
  const plan = at({ app: 'web' })
  t.match(plan, { reason: 'RuleMatched', message: /its way to Service shop\/front \(10\.96\.0\.2\)/ })
  t.strictSame([plan.spec?.victims.map(({ uid }) => uid), plan.spec?.workloads, plan.spec?.services, plan.spec?.destinations], [[PODS.web1.uid], ['shop/Deployment/web'], ['10.96.0.2'], undefined])
  t.strictSame(plan.blastRadius.map(({ name }) => name), ['web-0', 'web-1'])
  t.match(at({ app: 'nobody' }), { spec: null, reason: 'CannotEnforce', message: /Nothing is behind Service shop\/front/ })
  t.match(at({ app: 'nobody' }, 'traffic_throttle, parameters: { rate_limit: 1Mbps }'), { spec: null, reason: 'CannotEnforce' })
  t.match(at({ app: 'nobody' }, 'pod_isolation'), { reason: 'RuleMatched' })
  t.end()
})

t.test('whom later pods join: the target\'s workload, every pod of a sweep, nobody in front of whom the victim itself is limited', (t) => {
  const made = [{ ...PODS.db, workload: 'StatefulSet/db' }, PODS.web0, PODS.web1]
  t.strictSame(planOf('network_policy', detectionOf(), { pods: made }).spec?.workloads, ['shop/StatefulSet/db'])
  t.equal(planOf('network_policy').spec?.workloads, undefined, 'a pod of no workload has no successor')
  t.strictSame(planOf('network_policy', FAN_OUT).spec?.workloads, ['*'])
  t.strictSame(planOf('pod_isolation').spec?.workloads, ['*'])
  t.equal(planOf('network_policy', OUTSIDE).spec?.workloads, undefined)
  t.equal(planOf('traffic_throttle, parameters: { rate_limit: 1Mbps }', FAN_IN, { pods: made }).spec?.workloads, undefined)
  t.end()
})

t.test('the blast radius is every pod whose traffic changes', (t) => {
  const names = (plan: Plan): readonly string[] => plan.blastRadius.map(({ name }) => name)
  const table: [string, Detection, readonly string[]][] = [
    ['network_policy', detectionOf(), ['web-0']],
    ['network_policy, parameters: { direction: ingress }', detectionOf(), ['web-0', 'db-0']],
    ['network_policy, parameters: { direction: both }', OUTSIDE, ['web-0']],
    ['pod_isolation', detectionOf(), ['web-0']],
    ['traffic_throttle, parameters: { rate_limit: 1Mbps }', detectionOf(), ['web-0']],
    ['traffic_throttle, parameters: { rate_limit: 1Mbps }', FAN_IN, ['db-0']],
    ['pod_termination', detectionOf(), ['web-0']],
    ['node_quarantine', detectionOf(), []],
    ['node_quarantine, parameters: { effect: NoExecute }', detectionOf(), ['web-0', 'web-1', 'db-0']],
    ['alert_only', detectionOf(), []],
    ['custom_webhook, parameters: { url: "https://a/" }', detectionOf(), []],
  ]
  for (const [action, detection, wanted] of table) t.strictSame(names(planOf(action, detection)), wanted, action)
  t.end()
})

t.test('what needs a cluster or the outside is planned as a whole object and restricts nothing here', (t) => {
  const object = (plan: Plan): unknown => plan.objects[0] === undefined ? null : parse(plan.objects[0].yaml)
  const table: [string, string, string, object][] = [
    ['pod_termination, parameters: { grace_period_seconds: 5 }', 'Eviction', 'RuleMatched', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web-0', namespace: 'shop' }, deleteOptions: { gracePeriodSeconds: 5, preconditions: { uid: PODS.web0.uid } } }],
    ['node_quarantine, parameters: { effect: NoExecute }', 'Node', 'RuleMatched', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, spec: { unschedulable: true, taints: [{ key: 'autoshield.dev/quarantine', value: 'm-1', effect: 'NoExecute' }] } }],
    ['custom_webhook, parameters: { url: "https://internal-api/alert", method: PUT }', 'HTTPRequest', 'RuleMatched', { method: 'PUT', url: 'https://internal-api/alert', body: { rule: 'Test rule: #1', detection: { id: 'd-1', class: 'PORT_SCAN', confidence: 0.97 } } }],
    ['alert_only, parameters: { channel: soc, priority: low }', 'Alert', 'AlertOnly', { channel: 'soc', priority: 'low', text: '10.0.0.1 tried 900 ports of 10.0.0.3: "closed", all of them' }],
  ]
  for (const [action, kind, reason, wanted] of table) {
    const plan = planOf(action)
    t.match(plan.spec, kind === 'Node' ? { subject: 'anySource', victims: [], action: 'quarantine', node: { name: 'n1', effect: 'NoExecute' } } : null)
    t.strictSame([plan.objects.length, plan.objects[0]?.kind, plan.reason], [1, kind, reason])
    t.match(object(plan), wanted)
  }
  const lonely = [{ name: 'n1', addresses: [], ready: true, schedulable: true, controlPlane: false, quarantined: false }]
  t.match(planOf('node_quarantine', detectionOf(), { nodes: lonely }), { spec: null, reason: 'NodeNeeded', message: /last that is ready/ })
  t.equal(planOf('node_quarantine', detectionOf(), { pods: [{ ...PODS.web0, node: '' }] }).reason, 'UnknownTarget', 'a node that nobody knows')
  t.end()
})

t.test('names and texts that try to break out of their YAML stay texts', (t) => {
  const evil = 'x"\n---\nkind: Secret # \u0007 *a'
  const detection = detectionOf({ id: evil, explanation: { ...detectionOf().explanation, sentence: evil } })
  const pods = [{ ...PODS.web0, labels: { evil } }, PODS.db]
  for (const action of ['network_policy', 'pod_isolation', 'traffic_throttle, parameters: { rate_limit: 1Mbps }', 'pod_termination', 'node_quarantine', 'alert_only', 'custom_webhook, parameters: { url: "https://a/" }']) {
    for (const { kind, yaml } of planOf(action, detection, { pods, policy: evil, mitigation: evil }).objects) {
      const document = parseDocument(yaml)
      t.strictSame([...document.errors, ...document.warnings], [], `${action}: ${kind}`)
      const root = document.toJS() as { kind?: string, method?: string, channel?: string }
      t.equal(root.kind ?? (root.method !== undefined ? 'HTTPRequest' : 'Alert'), kind)
    }
  }
  t.end()
})

t.test('a YAML 1.1 reader, as Kubernetes is one, takes every text for a text', (t) => {
  for (const text of ['yes', '1e3', '012', '2026-06-01', 'on', '1:30', 'null', '0x1']) {
    const [patch, , policy] = planOf('network_policy', detectionOf(), { pods: [{ ...PODS.web0, name: text }, PODS.db], policy: text }).objects
    t.match(parse(patch?.yaml ?? '', { version: '1.1' }), { metadata: { name: text } })
    t.equal((parse(policy?.yaml ?? '', { version: '1.1' }) as NetworkPolicy).metadata.annotations?.['autoshield.dev/expires-at'], '2026-06-01T12:10:00.000Z')
  }
  t.end()
})

t.test('every plan says in words what it does and what undoing it does, and shadow is shadow', (t) => {
  for (const action of ['network_policy', 'pod_isolation', 'traffic_throttle, parameters: { rate_limit: 1Mbps }', 'pod_termination', 'node_quarantine', 'alert_only', 'custom_webhook, parameters: { url: "https://a/" }']) {
    for (const detection of [detectionOf(), FAN_OUT, FAN_IN, OUTSIDE, STRANGER]) {
      const plan = planOf(action, detection, { mode: 'shadow' })
      t.match(plan.message, /^.{15,}\.$/)
      t.match(plan.undo, /^.{15,}\.$/)
      t.ok(plan.spec === null || plan.spec.mode === 'shadow')
      t.ok(plan.spec === null || Value.Check(MitigationSpec, plan.spec))
    }
  }
  t.end()
})

const NOWHERE = { ready: new Map(), restricted: new Set<string>(), flows: () => [], byAddress: () => null, maintenance: { windows: [] }, agreed: null, nowMs: NOW_MS }

t.test('safety is asked about what the plan would do', (t) => {
  const { rule } = ruleOf('network_policy', 'blast_radius_limit: 3, cooldown_seconds: 7,')
  const ground = { evidence: context().evidence, protectedSet: new ProtectedSet([{ kind: 'namespace', name: PODS.db.namespace, by: 'operator', how: 'named' }]), answeredByPairs: null, mitigatedBy: null, ...NOWHERE }
  const flood = planOf('network_policy', FAN_IN)
  t.match(safetyRequest(rule, 0, FAN_IN, flood, ground), { source: '*', target: '10.0.0.3', subject: 'anySource', cannotEnforce: { reason: 'CannotEnforce', message: /finish what the flood began/ } })
  t.match(safetyRequest(rule, 0, detectionOf({ simulated: true }), planOf('network_policy'), { ...ground, mitigatedBy: 'm-9' }), {
    rule: 'test', source: '10.0.0.1', target: '10.0.0.3', action: 'network_policy', actionIndex: 0, cannotEnforce: null, blastRadiusLimit: 3, cooldownSeconds: 7, mitigatedBy: 'm-9', simulatedEvidence: true,
  })
  t.equal(safetyRequest(rule, 0, detectionOf(), planOf('network_policy'), ground)?.protectedBy?.how, 'named', 'a pod that it touches is protected')
  t.equal(safetyRequest(rule, 0, detectionOf(), planOf('alert_only'), ground)?.protectedBy, null)
  t.equal(safetyRequest(rule, 1, FAN_IN, flood, ground), null)
  t.equal(NOW_MS, context().nowMs)
  t.end()
})

t.test('in a cluster a limit is refused where no proxy could carry it, and planned where one can', (t) => {
  const cluster = { known: false, why: 'not asked for' } as const
  const limit = 'traffic_throttle, parameters: { rate_limit: 1Mbps }'
  const proxy: NonNullable<Pod['proxy']> = { mode: 'redirect', inboundPort: 15006, outboundPort: null, httpPorts: [], explicitPorts: [] }
  t.match(planOf(limit, detectionOf(), { cluster }), { spec: null, reason: 'CannotEnforce', objects: [], message: /No proxy stands in front of shop\/db-0.*autoshield\.dev\/proxy: enabled/ })
  t.match(planOf(limit, detectionOf(), { cluster, pods: [PODS.web0, { ...PODS.db, proxy }] }), { spec: { action: 'limit' }, reason: 'RuleMatched' })
  t.match(planOf(limit), { spec: { action: 'limit' } }, 'without a cluster nothing is known of proxies, and it is planned')
  t.end()
})
