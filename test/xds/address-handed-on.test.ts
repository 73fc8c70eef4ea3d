import t, { type Test } from 'tap'
import { KubernetesMitigations } from '../../src/adapters/kubernetes/mitigations.ts'
import { KubernetesPods } from '../../src/adapters/kubernetes/pods.ts'
import { followCluster } from '../../src/cli/follow-cluster.ts'
import { ANNOTATIONS, PROXY_CONTAINER } from '../../src/core/injection/names.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { FakeKubernetes } from '../kubernetes/fake-api.ts'
import { skipWithout } from '../setup/tools.ts'
import { visit, type Visit } from './laboratory.ts'
import { mitigationOf } from './mitigation-of.ts'
import { envoyTool, until } from './real-envoy.ts'
import { ATTACKER, CLIENT, stage } from './stage.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(60_000)

/** A cluster of pods and mitigations that the fleet of a real Envoy follows, as the xDS server's process has it. */
async function following (t: Test, scene: Awaited<ReturnType<typeof stage>>) {
  const api = new FakeKubernetes()
  const [pods, mitigations] = [new KubernetesPods(api), new KubernetesMitigations(api, { namespace: 'autoshield' })]
  const stop = new AbortController()
  const running = [pods.run(stop.signal), mitigations.run(stop.signal)]
  t.teardown(async () => {
    stop.abort()
    await Promise.all(running)
  })
  const proxy = { mode: 'explicit', inboundPort: 15_006, outboundPort: null, httpPorts: [], explicitPorts: [{ listen: scene.port, application: scene.application.port }] }
  const pod = (name: string, address: string, more: object = {}): void => {
    const status = { revision: 'default', template: 'x', source: 'sockdiag', level: 'restricted', form: 'native', why: 'test', containers: [PROXY_CONTAINER], volumes: [], proxy }
    api.seed(RESOURCES.pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'shop', uid: name, ...(name === 'victim' && { annotations: { [ANNOTATIONS.status]: JSON.stringify(status) } }), ...more },
      spec: { containers: [{ name: name === 'victim' ? PROXY_CONTAINER : 'app' }] },
      status: { phase: 'Running', podIPs: [{ ip: address }] },
    })
  }
  pod('victim', '127.0.0.1')
  pod('attacker', ATTACKER)
  await Promise.all([pods.synced, mitigations.synced])
  await mitigations.put('deny', mitigationOf('deny'))
  const handing = followCluster(scene.fleet, { pods, mitigations })
  t.teardown(() => handing[Symbol.dispose]())
  return { api, pod, mitigations }
}

/** What many connections in a row come to, over all of Envoy's workers. */
async function visits (from: string, port: number): Promise<ReadonlySet<Visit>> {
  const seen = new Set<Visit>()
  for (let each = 0; each < 50; each++) seen.add(await visit(from, port))
  return seen
}

/** Waits until each of Envoy's workers has taken the change. */
async function all (wanted: Visit, from: string, port: number): Promise<true> {
  return until(`${from} is ${wanted} by every worker`, async () => (await visits(from, port)).symmetricDifference(new Set([wanted])).size === 0 || undefined)
}

t.test('the pod that is given the address of a denied one is served from its first connection on', { skip }, async (t) => {
  await using scene = await stage()
  const { api, pod, mitigations } = await following(t, scene)
  await all('refused', ATTACKER, scene.port)
  const before = mitigations.get('deny')
  await api.remove(RESOURCES.pods, 'attacker', { namespace: 'shop' })
  await all('served', ATTACKER, scene.port)
  pod('successor', ATTACKER)
  t.strictSame(await visits(ATTACKER, scene.port), new Set(['served']))
  t.equal(mitigations.get('deny'), before, 'nobody had to amend the mitigation')
})

t.test('while a denied pod goes its address stays denied, until another pod has it', { skip }, async (t) => {
  await using scene = await stage()
  const { pod } = await following(t, scene)
  await all('refused', ATTACKER, scene.port)
  pod('attacker', ATTACKER, { deletionTimestamp: new Date().toISOString(), finalizers: ['test/grace-period'] })
  pod('bystander', CLIENT)
  t.strictSame(await visits(ATTACKER, scene.port), new Set(['refused']), 'it may run for its whole grace period')
  pod('successor', ATTACKER)
  await all('served', ATTACKER, scene.port)
})

t.test('a denied pod that finished has no address any more, and one that comes back by its name is another', { skip }, async (t) => {
  await using scene = await stage()
  const { api, pod } = await following(t, scene)
  await all('refused', ATTACKER, scene.port)
  const finished = await api.get(RESOURCES.pods, 'attacker', 'shop')
  api.seed(RESOURCES.pods, { ...finished, metadata: { name: 'attacker', namespace: 'shop', uid: 'attacker' }, status: { phase: 'Succeeded', podIPs: [{ ip: ATTACKER }] } })
  await all('served', ATTACKER, scene.port)
  pod('attacker', ATTACKER, { uid: 'another' })
  t.strictSame(await visits(ATTACKER, scene.port), new Set(['served']))
})
