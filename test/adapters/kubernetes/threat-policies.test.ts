import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { openKubernetes } from '../../../src/adapters/kubernetes/open-kubernetes.ts'
import { KubernetesThreatPolicies } from '../../../src/adapters/kubernetes/threat-policies.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import { threatPolicyStatus } from '../../../src/core/policy/threat-policy-status.ts'
import type { KubernetesApi } from '../../../src/ports/kubernetes.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'
import { testCluster, withoutCluster } from '../../real/cluster/test-cluster.ts'
import { until } from '../../xds/real-envoy.ts'

const { threatPolicies: resource } = RESOURCES
const scan = { id: 'scans', attack_class: 'PORT_SCAN', cel: 'source.namespace == "shop" && features.syn_count > 10', actions: [{ action_type: 'network_policy', parameters: { direction: 'egress', ports: [22] } }, { action_type: 'alert_only' }] }

async function opened (t: Test, api: KubernetesApi, namespace: string): Promise<KubernetesThreatPolicies> {
  const policies = new KubernetesThreatPolicies(api, { namespace })
  const stopping = new AbortController()
  const run = policies.run(stopping.signal)
  t.teardown(async () => {
    stopping.abort()
    await run
  })
  await policies.synced
  return policies
}

function followed (t: Test, place: () => Promise<{ api: KubernetesApi, namespace: string }>): void {
  t.test('a policy is seen as it was written, and its status is written beside it', async (t) => {
    const { api, namespace } = await place()
    const policies = await opened(t, api, namespace)
    let heard = 0
    const listening = policies.onChange(() => { heard++ })
    t.teardown(() => listening[Symbol.dispose]())
    const write = async (rules: object[]) => api.apply(resource, { metadata: { name: 'shop', namespace }, spec: { rules } }, { fieldManager: 'somebody', force: true })
    await write([scan])
    const first = await until('the mirror shows it', () => policies.list()[0])
    t.match(first, { metadata: { name: 'shop', generation: 1 }, spec: { rules: [scan] }, status: null })
    const status = threatPolicyStatus(first, { outcome: 'understood' }, { rules: 1, generation: 1 }, Date.UTC(2026, 0, 1))
    await policies.tell('shop', status)
    t.strictSame(policies.list()[0]?.status, status)
    await write([{ ...scan, severity: 'low' }])
    await until('the change', () => policies.list()[0]?.metadata.generation === 2 || undefined)
    t.match(policies.list()[0], { spec: { rules: [{ severity: 'low' }] }, status: { rules: 1, generation: 1 } })
    t.ok(heard >= 2)
    await t.rejects(policies.tell('nobody', status), { code: 'NOT_FOUND' })
    await api.remove(resource, 'shop', { namespace })
    await until('that it is gone', () => policies.list().length === 0 || undefined)
  })
}

t.test('in memory', async (t) => followed(t, async () => ({ api: new FakeKubernetes(), namespace: 'autoshield' })))

t.test('on a real API server', { skip: withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  await api.apply(RESOURCES.customResourceDefinitions, parse(await readFile(new URL('../../../deploy/chart/crds/threatpolicies.yaml', import.meta.url), 'utf8')), { force: true })
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/threatpolicies.autoshield.dev'])
  followed(t, async () => ({ api, namespace: await cluster.namespace() }))

  t.test('what contradicts itself is refused at once, in words', async (t) => {
    const namespace = await cluster.namespace()
    const tried = async (...rules: object[]) => api.create(resource, { metadata: { name: 'a', namespace }, spec: { rules } }, { dryRun: true })
    await t.resolves(tried(scan))
    const table: [object[], RegExp][] = [
      [[], /spec\.rules.*should have at least 1/],
      [[scan, scan], /Duplicate value/],
      [[{ ...scan, condition: 'time.hour > 6' }], /it has either condition or cel/],
      [[{ ...scan, attack_class: 'BENIGN' }], /BENIGN is no attack/],
      [[{ ...scan, severity: 'severe' }], /Unsupported value: "severe": supported values: "low", "medium", "high", "critical"/],
      [[{ ...scan, ttl_seconds: 0 }], /ttl_seconds.*greater than or equal to 1/],
      [[{ attack_class: 'PORT_SCAN', actions: scan.actions }], /id: Required value/],
      [[{ ...scan, actions: [{ action_type: 'traffic_throttle' }] }], /traffic_throttle needs parameters\.rate_limit/],
      [[{ ...scan, actions: [{ action_type: 'alert_only', parameters: { ports: [22] } }] }], /ports belongs to network_policy and traffic_throttle/],
      [[{ ...scan, actions: [{ action_type: 'network_policy', parameters: { ports: 'any' } }] }], /parameters\.ports.*must be of type array/],
      [[{ ...scan, actions: [{ action_type: 'custom_webhook' }] }], /custom_webhook needs parameters\.url/],
    ]
    for (const [rules, message] of table) await t.rejects(tried(...rules), { code: 'BAD_DATA', message }, String(message))
  })

  t.test('kubectl shows what became of it, and explains each field', async (t) => {
    const namespace = await cluster.namespace()
    const policies = await opened(t, api, namespace)
    await api.apply(resource, { metadata: { name: 'shop', namespace }, spec: { rules: [scan] } }, { fieldManager: 'somebody' })
    const policy = await until('the mirror shows it', () => policies.list()[0])
    await policies.tell('shop', threatPolicyStatus(policy, { outcome: 'not-understood', problems: ['spec.rules[0].cel: x. y.'] }, null, Date.UTC(2026, 0, 1)))
    const [head = '', row = ''] = (await cluster.kubectl(['-n', namespace, 'get', 'threatpol', '-o', 'wide'])).split('\n')
    t.strictSame(head.trim().split(/\s{2,}/), ['NAME', 'RULES', 'ACCEPTED', 'REASON', 'AGE', 'MESSAGE'])
    t.match(row, /^shop +0 +False +NotUnderstood .*spec\.rules\[0\]\.cel: x\. y\./)
    const explained = await cluster.kubectl(['explain', 'threatpolicy.spec.rules'])
    t.match(explained, /attack_class\s+<string> -required-\s+Class of the detections that it answers/)
    t.match(explained, /cooldown_seconds\s+<integer>\s+How long it rests after it acted, for each action, source and target\. 300 if\s+left out\./)
  })
})
