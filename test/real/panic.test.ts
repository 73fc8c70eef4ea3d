import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parse } from 'yaml'
import { KubernetesMitigations } from '../../src/adapters/kubernetes/mitigations.ts'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { KubernetesPanicMap } from '../../src/adapters/kubernetes/panic-map.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { sampleMitigation } from '../adapters/store/samples.ts'
import { Bench } from '../controller/bench.ts'
import { until } from '../xds/real-envoy.ts'
import { testCluster, withoutCluster } from './cluster/test-cluster.ts'

const CRD = new URL('../../deploy/chart/crds/mitigations.yaml', import.meta.url)
const RUNNING = 50
/** What an operator is promised. */
const WITHIN_MS = 5_000

t.test('a ConfigMap stops all actions and undoes fifty mitigations in time, and another lets actions go on', { skip: withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  const namespace = await cluster.namespace()
  await api.apply(RESOURCES.customResourceDefinitions, parse(await readFile(CRD, 'utf8')), { force: true })
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/mitigations.autoshield.dev'])
  const mitigations = new KubernetesMitigations(api, { namespace, onTrouble: (error) => t.fail(error.message) })
  const orders = new KubernetesPanicMap(api, { namespace })
  const stopping = new AbortController()
  const running = Promise.all([mitigations.run(stopping.signal), orders.run(stopping.signal)])
  await Promise.all([mitigations.synced, orders.synced])
  t.teardown(async () => {
    stopping.abort()
    await running
  })
  const [creationTimestamp, expiresAt] = [0, 3_600_000].map((ms) => new Date(Date.now() + ms).toISOString()) as [string, string]
  for (let at = 0; at < RUNNING; at++) {
    const mitigation = sampleMitigation(`m-${at}`)
    await mitigations.put(`m-${at}`, { ...mitigation, metadata: { ...mitigation.metadata, creationTimestamp }, spec: { ...mitigation.spec, mode: 'enforce', expiresAt }, status: { ...mitigation.status, phase: 'active', simulated: false } })
  }
  const panic = async (data: Record<string, string>): Promise<void> => {
    await cluster.kubectl(['create', '-f', '-'], { stdin: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'autoshield-panic', namespace }, data }) })
  }
  {
    await using bench = new Bench(t.testdir(), { nowMs: Date.now(), wrap: ({ store }) => ({ orders, store: { detections: store.detections, decisions: store.decisions, mitigations } }) })
    await until('the loop runs', () => bench.controller.ready().ready || undefined)
    t.equal(bench.fleet.inForce.length, RUNNING)
    const said = performance.now()
    await panic({ active: 'true', undo: 'true', reason: 'it cut the shop off' })
    t.teardown(() => { for (const line of bench.logged) t.comment(line) })
    await until('nothing is in force', () => bench.fleet.inForce.length === 0 || undefined)
    const tookMs = performance.now() - said
    t.comment(`undone in ${Math.round(tookMs)} ms, kubectl included`)
    t.ok(tookMs < WITHIN_MS)
    const phases = await cluster.kubectl(['-n', namespace, 'get', 'mitigations.autoshield.dev', '-o', 'jsonpath={.items[*].status.phase}'])
    t.strictSame(phases.split(' '), Array.from({ length: RUNNING }, () => 'reverted'), 'the API server has it, too')
    t.match(bench.controller.killSwitch.halt, { by: /^configmap\/autoshield-panic \(kubectl/, reason: 'it cut the shop off' })
    t.equal(bench.audit.search({ action: 'mitigation.reverted' }).length, RUNNING)
    await cluster.kubectl(['-n', namespace, 'delete', 'configmap', 'autoshield-panic'])
    await until('actions go on', () => bench.controller.killSwitch.halt === null || undefined)
    await panic({ active: 'false' })
    await until('the map is known', async () => await cluster.kubectl(['-n', namespace, 'get', 'configmap', 'autoshield-panic', '-o', 'name']) === '' ? undefined : true)
    t.equal(bench.controller.killSwitch.halt, null, 'one that is not active orders nothing')
  }
})
