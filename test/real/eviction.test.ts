import t from 'tap'
import { Evictor } from '../../src/adapters/kubernetes/evict-pod.ts'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { systemClock } from '../../src/adapters/standalone/clock.ts'
import { EvidenceFolder } from '../../src/adapters/store/evidence-folder.ts'
import type { EvictionTask, Errand } from '../../src/core/errand/errand.ts'
import { DEFAULT_ACTIONS } from '../../src/core/safety/settings.ts'
import type { Pod } from '../../src/core/pod.ts'
import { Bench } from '../controller/bench.ts'
import { ATTACKER, madeScore, T0 } from '../core/verdict/made-score.ts'
import { until } from '../xds/real-envoy.ts'
import { testCluster, withoutCluster } from './cluster/test-cluster.ts'

t.setTimeout(300_000)

const POLICY = `
rules:
  - { id: scans, name: Scans, attack_class: PORT_SCAN, confidence_threshold: 0.9, cooldown_seconds: 1, ttl_seconds: 300, actions: [{ action_type: pod_termination, parameters: { grace_period_seconds: 1 } }] }
`

const objects = (image: string): string => [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'app', image, imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', 'echo what the attacker did; sleep 3600'] }] } },
    },
  },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'web' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } } },
].map((object) => JSON.stringify(object)).join('\n---\n')

t.test('a pod is evicted for real: after its evidence is kept, not against its budget, and never its successor', { skip: withoutCluster('node') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'node' })
  const namespace = await cluster.namespace()
  const kubectl = async (...args: string[]): Promise<string> => cluster.kubectl(['-n', namespace, ...args])
  await cluster.kubectl(['-n', namespace, 'wait', '--for=create', 'serviceaccount/default', '--timeout=20s'])
  await cluster.kubectl(['-n', namespace, 'create', '-f', '-'], { stdin: objects(cluster.images.busybox) })
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=120s')
  const [name = '', uid = ''] = (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.name} {.items[0].metadata.uid}')).split(' ')
  const web: Pod = { uid, namespace, name, addresses: ['10.0.0.7'], labels: { app: 'web' }, node: 'n1' }

  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  const dir = t.testdir()
  const evidence = new EvidenceFolder(dir)
  const evictor = new Evictor({ api, evidence, known: ({ detection }) => [{ name: 'detection.json', text: detection }], clock: systemClock })
  await using bench = await Bench.start(dir, {
    policy: POLICY,
    wrap: ({ errands }) => ({
      actions: { ...DEFAULT_ACTIONS, pod_termination: 'here' },
      errands: { ...errands, carrier: { attempt: async (errand: Errand) => evictor.attempt(errand, errand.task as EvictionTask) } },
      pods: { byAddress: () => web, byUid: (asked) => asked === uid ? web : null, list: () => [web] },
    }),
  })
  const errand = (): Errand | undefined => bench.store.errands.list()[0]
  await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500, reporter: ATTACKER.replace('u7', uid) }))
  await until('an errand', errand)

  await t.test('while the budget forbids it, the pod stays, its evidence is kept, and it is tried again', async (t) => {
    await until(() => JSON.stringify(errand()), async () => {
      await bench.beat()
      return errand()?.reason === 'DisruptionBudget' || undefined
    }, 30_000)
    t.match(errand(), { state: { phase: 'waiting' }, message: /disruption budget/ })
    t.match(await kubectl('get', 'pod', name, '-o', 'jsonpath={.metadata.uid} {.status.phase}'), `${uid} Running`)
    const { manifest, changed, sha256 } = await evidence.look(errand()?.id ?? '')
    t.strictSame(changed, [])
    t.match(manifest, { pod: { uid, name }, missing: [{ what: 'sockets' }] })
    t.strictSame(manifest.files.map((file) => file.name).sort(), ['app.log', 'detection.json', 'events.json', 'pod.json'])
    t.match(await evidence.read(manifest.errand, 'app.log'), /what the attacker did/)
    t.match(await evidence.read(manifest.errand, 'events.json'), /"reason": "Started"/)
    t.match(JSON.parse(await evidence.read(manifest.errand, 'pod.json')), { metadata: { uid } })
    t.match(bench.audit.search({ action: 'errand.waiting', text: 'EvidenceKept' })[0]?.detail, { evidence: { sha256 } }, 'its hash stands in the trail')
  })

  await t.test('once the budget allows it, the pod goes and another comes', async (t) => {
    await kubectl('delete', 'pdb', 'web')
    await until(() => JSON.stringify(errand()), async () => {
      await bench.beat(16_000)
      return errand()?.state.phase === 'done' || undefined
    }, 30_000)
    t.match(errand(), { reason: 'Evicted' })
    await kubectl('wait', '--for=delete', `pod/${name}`, '--timeout=60s')
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
  })

  await t.test('the same errand again touches nobody: the successor has another UID', async (t) => {
    const [successor = '', successorUid = ''] = (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.name} {.items[0].metadata.uid}')).split(' ')
    const done = errand()
    if (done?.task.type !== 'eviction') return t.fail('no eviction')
    t.match(await evictor.attempt(done, done.task), { result: 'done', reason: 'PodIsGone' })
    // One that has taken the very name, as a StatefulSet's would.
    const task = { ...done.task, pod: { uid, namespace, name: successor } }
    t.match(await evictor.attempt(done, task), { result: 'done', reason: 'PodIsGone' })
    await t.rejects(api.create({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true }, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: successor, namespace }, deleteOptions: { preconditions: { uid } } }, { subresource: 'eviction' }), { code: 'CONFLICT' }, 'the API server holds it to the UID as well')
    t.equal(await kubectl('get', 'pod', successor, '-o', 'jsonpath={.metadata.uid}'), successorUid)
  })
})
