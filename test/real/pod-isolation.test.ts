import t from 'tap'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { Bench } from '../controller/bench.ts'
import { madeScore } from '../core/verdict/made-score.ts'
import { followCluster } from '../kubernetes/follow-cluster.ts'
import { until } from '../xds/real-envoy.ts'
import { testCluster, withoutCluster } from './cluster/test-cluster.ts'

t.setTimeout(300_000)

const POLICY = `
rules:
  - { id: scans, name: Scans, attack_class: PORT_SCAN, confidence_threshold: 0.9, cooldown_seconds: 1, ttl_seconds: 86400, approval: { required: drastic }, actions: [{ action_type: pod_isolation }] }
`

const objects = (image: string): string => [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web', tier: 'front' } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'app', image, imagePullPolicy: 'IfNotPresent', command: ['sleep', '3600'] }] } },
    },
  },
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] } },
].map((object) => JSON.stringify(object)).join('\n---\n')

t.test('an isolated pod leaves its Service and its ReplicaSet, which makes another; the undo brings it back', { skip: withoutCluster('node') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'node' })
  const namespace = await cluster.namespace()
  const kubectl = async (...args: string[]): Promise<string> => cluster.kubectl(['-n', namespace, ...args])
  await kubectl('wait', '--for=create', 'serviceaccount/default', '--timeout=20s')
  await cluster.kubectl(['-n', namespace, 'create', '-f', '-'], { stdin: objects(cluster.images.busybox) })
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=120s')
  const [name = '', uid = '', address = '', other = ''] = (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.name} {.items[0].metadata.uid} {.items[*].status.podIP}')).split(' ')

  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  const { pods, policies, reach, selectors } = await followCluster(t, api, namespace)

  const labels = async (): Promise<string> => kubectl('get', 'pod', name, '-o', 'jsonpath={.metadata.labels}')
  const owner = async (): Promise<string> => kubectl('get', 'pod', name, '-o', 'jsonpath={.metadata.ownerReferences[*].kind}')
  const served = async (): Promise<string[]> => (await kubectl('get', 'endpointslices', '-l', 'kubernetes.io/service-name=web', '-o', 'jsonpath={.items[*].endpoints[*].addresses[*]}')).split(' ').filter((each) => each !== '')
  const ours = async (): Promise<string> => (await kubectl('get', 'networkpolicies', '-l', 'app.kubernetes.io/managed-by=autoshield', '-o', 'name')).trim()
  const before = { labels: await labels(), owner: await owner(), served: (await served()).length }
  t.strictSame([before.owner, before.served], ['ReplicaSet', 2])
  t.ok((await served()).includes(address))

  const dir = t.testdir()
  const start = async (nowMs: number): Promise<Bench> => Bench.start(dir, {
    nowMs,
    policy: POLICY,
    settings: { labelRestMs: 0 },
    wrap: () => ({ pods, network: { reach, policies, release: { api, installation: namespace, selectors: (of) => selectors.of(of) } } }),
  })
  let bench = await start(Date.now())
  t.teardown(async () => bench[Symbol.asyncDispose]())
  const eventually = async (what: string, holds: () => Promise<boolean>): Promise<unknown> => until(what, async () => {
    await bench.beat()
    return await holds() || undefined
  }, 60_000)
  await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { key: { kind: 'pair', source: address, destination: other }, endMs: bench.nowMs, reporter: `spiffe://autoshield.local/ns/${namespace}/pod/${uid}` }))
  const mitigation = () => bench.store.mitigations.list()[0]
  const condition = (type: string) => mitigation()?.status.conditions.find((each) => each.type === type)

  await t.test('what isolating it would do is told before somebody agrees, and is what is done then', async (t) => {
    const [waiting] = bench.controller.approvals.waiting
    const id = waiting?.id ?? ''
    const outlook = bench.controller.outlook(id)
    t.match(outlook, {
      decision: { verdict: 'mitigate', reason: 'RuleMatched' },
      touches: { total: 1, listed: [{ uid, namespace, name }] },
      flows: { state: 'reckoned', effect: { options: [{ policies: ['isolation'], state: 'taken', reason: 'RuleMatched' }] } },
    })
    t.strictSame([await ours(), mitigation()], ['', undefined], 'nothing is done by looking')
    await bench.controller.approvals.answer(id, 'approve', 'ada', 'seen')
    t.strictSame(mitigation()?.status.targets.map(({ target }) => target), outlook.targets.map((target) => target.replace(`m-${id}`, mitigation()?.metadata.name ?? '')))
    t.equal(outlook.flows.state === 'reckoned' && outlook.flows.effect.options[0]?.objects.length, 1)
  })

  await t.test('the Service sends it nothing, another replica serves, and the pod runs on', async (t) => {
    t.match(mitigation()?.spec, { relabel: 'owner-and-services', policies: ['isolation'] })
    await eventually('it is out of the Service, and two others are in', async () => {
      const now = await served()
      return now.length === 2 && !now.includes(address)
    })
    await eventually('it is programmed', async () => condition('Programmed')?.status === 'True')
    t.match(mitigation()?.status.targets, [{ target: /^networkpolicy\//, state: 'programmed' }, { target: `pod/${namespace}/${name}`, state: 'programmed' }])
    t.equal(await owner(), '', 'its ReplicaSet has let go of it')
    t.match(await kubectl('get', 'pod', name, '-o', 'jsonpath={.metadata.uid} {.status.phase}'), `${uid} Running`)
    t.strictSame(JSON.parse(await labels()), { tier: 'front', 'autoshield.dev/pod': uid })
    t.match(pods.byUid(uid), { workload: 'Deployment/web', addresses: [address] })
  })

  await t.test('a controller that begins anew finds it as it is, and the mitigation goes on', async (t) => {
    await bench[Symbol.asyncDispose]()
    bench = await start(bench.nowMs)
    for (let beat = 0; beat < 5; beat++) await bench.beat()
    await eventually('it is programmed still', async () => condition('Programmed')?.status === 'True')
    t.equal(mitigation()?.status.phase, 'active')
    t.strictSame(JSON.parse(await labels()), { tier: 'front', 'autoshield.dev/pod': uid })
  })

  await t.test('undone, it is as it was: its owner has it back, and has two pods', async (t) => {
    await bench.controller.revert(mitigation()?.metadata.name ?? '', 'ada', 'a drill')
    await eventually('its policy is gone', async () => await ours() === '')
    await eventually('two pods are left', async () => (await kubectl('get', 'pods', '-o', 'name')).trim().split('\n').length === 2)
    await eventually('both are served', async () => (await served()).length === 2)
    const left = (await kubectl('get', 'pods', '-o', 'jsonpath={range .items[*]}{.metadata.uid} {.metadata.ownerReferences[*].kind} {.metadata.labels.app} {.metadata.annotations}{"\\n"}{end}')).trim().split('\n')
    t.ok(left.every((line) => / ReplicaSet web\b/.test(line) && !line.includes('released-labels')), left.join('; '))
    const mine = left.find((line) => line.startsWith(uid))
    if (mine !== undefined) t.strictSame(JSON.parse(await labels()), JSON.parse(before.labels))
  })
})
