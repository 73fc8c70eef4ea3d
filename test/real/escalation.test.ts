import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parse } from 'yaml'
import { KubernetesClusterReach } from '../../src/adapters/kubernetes/cluster-reach.ts'
import { KubernetesMitigations } from '../../src/adapters/kubernetes/mitigations.ts'
import { KubernetesNamespaces } from '../../src/adapters/kubernetes/namespaces.ts'
import { KubernetesNetworkPolicies } from '../../src/adapters/kubernetes/network-policies.ts'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { KubernetesPods } from '../../src/adapters/kubernetes/pods.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { Bench } from '../controller/bench.ts'
import { madeScore } from '../core/verdict/made-score.ts'
import { until } from '../xds/real-envoy.ts'
import { testCluster, withoutCluster } from './cluster/test-cluster.ts'

t.setTimeout(180_000)

const CRD = new URL('../../deploy/chart/crds/mitigations.yaml', import.meta.url)
/** The addresses of `madeScore`. */
const [ATTACKER, VICTIM] = ['10.0.0.7', '10.0.0.9']
const RULES = `
rules:
  - id: scans
    name: Scans
    attack_class: PORT_SCAN
    cooldown_seconds: 60
    ttl_seconds: 3000
    escalation: isolation
    actions: [{ action_type: network_policy }]
`
const pod = (name: string): string => JSON.stringify({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } }, spec: { schedulerName: 'nobody', containers: [{ name: 'app', image: 'none' }] },
})

t.test('what attempts get through grows step by step in a real API server, each form in place of the last', { skip: withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  await api.apply(RESOURCES.customResourceDefinitions, parse(await readFile(CRD, 'utf8')), { force: true })
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/mitigations.autoshield.dev'])
  const namespace = await cluster.namespace()
  const kubectl = async (args: readonly string[], stdin?: string): Promise<string> => cluster.kubectl(['-n', namespace, ...args], { ...(stdin !== undefined && { stdin }) })

  const [pods, namespaces, mitigations, policies] = [new KubernetesPods(api), new KubernetesNamespaces(api), new KubernetesMitigations(api, { namespace }), new KubernetesNetworkPolicies(api, { installation: namespace })]
  const reach = new KubernetesClusterReach(api, { pods, namespaces, policies })
  const stop = new AbortController()
  const followed = [pods, namespaces, mitigations, policies, reach]
  const running = followed.map(async (part) => part.run(stop.signal))
  t.teardown(async () => {
    stop.abort()
    await Promise.all(running)
  })
  await Promise.all(followed.map(({ synced }) => synced))
  for (const [name, address] of [['tool', ATTACKER], ['db', VICTIM]] as const) {
    await kubectl(['create', '-f', '-'], pod(name))
    await kubectl(['patch', 'pod', name, '--subresource=status', '--type=merge', '--patch', JSON.stringify({ status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }] } })])
    await until(`${name} is known`, () => pods.byAddress(address) ?? undefined)
  }
  const reporter = `spiffe://autoshield.local/ns/${namespace}/pod/${pods.byAddress(ATTACKER)?.uid ?? ''}`

  await using bench = await Bench.start(t.testdir(), {
    nowMs: Date.now(), policy: RULES, wrap: ({ store }) => ({ pods, store: { detections: store.detections, decisions: store.decisions, mitigations }, network: { reach, policies } }),
  })
  const attack = async (more: Parameters<typeof madeScore>[1] = {}): Promise<void> => bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: bench.nowMs, reporter, ...more }))
  await attack()
  const only = () => mitigations.list()[0]
  const programmedBy = async (places: string) => until(`programmed at ${places}: ${JSON.stringify(only()?.status)}`, () =>
    only()?.spec.policies?.join() === places && only()?.status.conditions.some(({ type, status }) => type === 'Programmed' && status === 'True') === true ? true : undefined)
  const stored = async (): Promise<string[]> => (await kubectl(['get', 'networkpolicies', '-o', 'name'])).trim().split('\n').map((name) => name.replace(/.*autoshield-m-[0-9a-f]+-/, ''))

  await programmedBy('egress')
  for (const [places, names] of [['ingress', ['ingress']], ['egress,ingress', ['egress', 'ingress']], ['isolation', ['isolation']]] as const) {
    bench.nowMs += 20_000
    await attack({ features: { flow_count: 4, bytes_received: 100, failed_conn_ratio: 0.5 } })
    bench.nowMs += 500
    await attack()
    await programmedBy(places)
    t.strictSame((await until(`${names.join()} alone`, async () => (await stored()).join() === names.join() ? await stored() : undefined)), names)
  }
  t.match(only()?.status, { escalation: { from: 'egress+ingress', to: 'isolation', outcome: 'taken', steps: 3 } })
  t.match(await kubectl(['get', 'mit', only()?.metadata.name ?? '', '-o', 'jsonpath={.status.escalation.reason} {.status.escalation.from}>{.status.escalation.to}']), 'Escalated egress+ingress>isolation')
  t.equal(mitigations.list().length, 1, 'it is the same mitigation')
})
