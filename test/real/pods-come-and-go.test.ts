import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parse } from 'yaml'
import { KubernetesMitigations } from '../../src/adapters/kubernetes/mitigations.ts'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { KubernetesPods } from '../../src/adapters/kubernetes/pods.ts'
import { systemClock } from '../../src/adapters/standalone/clock.ts'
import { followCluster } from '../../src/cli/follow-cluster.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { Fleet } from '../../xds/fleet.ts'
import { Bench } from '../controller/bench.ts'
import { madeScore } from '../core/verdict/made-score.ts'
import { until } from '../xds/real-envoy.ts'
import { testCluster, withoutCluster } from './cluster/test-cluster.ts'

t.setTimeout(180_000)

const CRD = new URL('../../deploy/chart/crds/mitigations.yaml', import.meta.url)
/** The addresses of `madeScore`. */
const [ATTACKER, VICTIM] = ['10.0.0.7', '10.0.0.9']

/** Its pods are given to no node, which would give them addresses of its own. */
const deployment = (app: string, replicas: number): string => JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: app },
  spec: { replicas, selector: { matchLabels: { app } }, template: { metadata: { labels: { app } }, spec: { schedulerName: 'nobody', containers: [{ name: 'app', image: 'none' }] } } },
})

t.test('pods of a cluster come and go, and a mitigation in force follows them', { skip: withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  await api.apply(RESOURCES.customResourceDefinitions, parse(await readFile(CRD, 'utf8')), { force: true })
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/mitigations.autoshield.dev'])
  const namespace = await cluster.namespace()
  const kubectl = async (...args: string[]): Promise<string> => cluster.kubectl(['-n', namespace, ...args])

  const [pods, mitigations] = [new KubernetesPods(api), new KubernetesMitigations(api, { namespace })]
  const stop = new AbortController()
  const running = [pods.run(stop.signal), mitigations.run(stop.signal)]
  t.teardown(async () => {
    stop.abort()
    await Promise.all(running)
  })
  await Promise.all([pods.synced, mitigations.synced])
  // As an xDS server has it, which hears of pods and mitigations from the API server alone.
  const fleet = new Fleet({ clock: systemClock, defaultInbound: { mode: 'redirect', port: 15_006 } })
  const following = followCluster(fleet, { pods, mitigations })
  t.teardown(() => following[Symbol.dispose]())

  const names = async (app: string): Promise<readonly string[]> => (await kubectl('get', 'pods', '-l', `app=${app}`, '-o', 'jsonpath={.items[*].metadata.name}')).split(' ').filter((name) => name !== '')
  /** Gives an address to a pod that its controller made, as a node would; no node has it. Resolves to the UID. */
  const addressed = async (name: string, ...addresses: string[]): Promise<string> => {
    const status = { phase: 'Running', podIP: addresses[0], podIPs: addresses.map((ip) => ({ ip })) }
    await kubectl('patch', 'pod', name, '--subresource=status', '--type=merge', '--patch', JSON.stringify({ status }))
    const uid = await kubectl('get', 'pod', name, '-o', 'jsonpath={.metadata.uid}')
    return until(`${name} is known`, () => pods.byUid(uid)?.addresses.join() === addresses.join() ? uid : undefined)
  }
  /** The pod that its controller made beside these. */
  const another = async (app: string, ...known: readonly string[]): Promise<string> => until(`${app} has another pod`, async () => (await names(app)).find((name) => !known.includes(name)))

  for (const [app, replicas] of [['tool', 1], ['db', 2]] as const) await cluster.kubectl(['-n', namespace, 'create', '-f', '-'], { stdin: deployment(app, replicas) })
  const tool = await another('tool')
  const [first = '', sibling = ''] = await until('both are there', async () => (await names('db')).length === 2 ? names('db') : undefined)
  const attacker = await addressed(tool, ATTACKER)
  const victim = await addressed(first, VICTIM)
  await addressed(sibling, '10.0.0.10')

  const nowMs = (pods.byUid(attacker)?.createdMs ?? NaN) + 1_000
  await until('a second has passed since', () => Date.now() >= nowMs || undefined)
  await using bench = await Bench.start(t.testdir(), { nowMs: Date.now(), wrap: ({ store }) => ({ pods, store: { detections: store.detections, decisions: store.decisions, mitigations } }) })
  await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: bench.nowMs, reporter: `spiffe://autoshield.local/ns/${namespace}/pod/${attacker}` }))
  const only = () => mitigations.list()[0]
  const victims = () => only()?.spec.victims.map(({ uid }) => uid) ?? []
  const becomes = async (what: string, ...uids: readonly string[]) => until(`${what}: ${JSON.stringify(only()?.spec)}`, () => victims().join() === uids.join() || undefined)
  /** What the xDS server would restrict in front of a pod. */
  const chains = (uid: string): readonly string[] => [...JSON.stringify(fleet.snapshot(uid)?.resources ?? '').matchAll(/"name":"source\/([^"]+)"/g)].map(([, source = '']) => source)
  const restricted = async (uid: string, ...sources: readonly string[]) => until(`in front of ${uid}: ${sources.join()}`, () => chains(uid).join() === sources.join() || undefined)

  t.match(only(), { spec: { subject: { uid: attacker }, victims: [{ uid: victim }], workloads: [`${namespace}/Deployment/db`] } }, 'the sibling was there and is not meant')
  await restricted(victim, ATTACKER)

  await t.test('a pod of a scaled-up Deployment joins', async () => {
    await kubectl('scale', 'deployment/db', '--replicas=3')
    const joined = await addressed(await another('db', first, sibling), '10.0.0.11')
    await becomes('it joined', victim, joined)
    await restricted(joined, ATTACKER)
  })

  await t.test('the next release\'s pod joins, and a victim that is gone leaves', async (t) => {
    const [, joined = ''] = victims()
    const before = await names('db')
    await kubectl('set', 'env', 'deployment/db', 'RELEASE=2')
    const next = await addressed(await another('db', ...before), '10.0.0.12')
    t.not(pods.byUid(next)?.labels['pod-template-hash'], pods.byUid(victim)?.labels['pod-template-hash'], 'of another ReplicaSet')
    await becomes('it joined', victim, joined, next)
    await kubectl('delete', 'pod', first, '--grace-period=0', '--force')
    await becomes('the victim left', joined, next)
    await restricted(next, ATTACKER)
    await restricted(victim)
    t.match(only(), { status: { phase: 'active' } })
  })

  await t.test('an address that the restricted pod is given is restricted as well', async () => {
    const [joined = ''] = victims()
    await addressed(tool, ATTACKER, 'fd00::7')
    await restricted(joined, ATTACKER, 'fd00::7')
  })

  await t.test('with the restricted pod it ends, and its successor has the address for nothing', async (t) => {
    const [joined = ''] = victims()
    await kubectl('delete', 'pod', tool, '--grace-period=0', '--force')
    await until('it ended', () => only()?.status.phase === 'expired' || undefined)
    t.match(only(), { status: { conditions: [{}, { type: 'Programmed', status: 'False', reason: 'SubjectGone' }, {}, {}] } })
    await addressed(await another('tool', tool), ATTACKER)
    await restricted(joined)
  })

  const trail = bench.audit.search({ limit: 100 }).toReversed().filter(({ action }) => /amended|ended/.test(action))
  t.strictSame(trail.map(({ action, reason, actor }) => `${actor} ${action} ${reason}`), [
    'autoshield mitigation.amended PodJoined', 'autoshield mitigation.amended PodJoined', 'autoshield mitigation.amended PodGone', 'autoshield mitigation.amended AddressesChanged', 'autoshield mitigation.ended SubjectGone',
  ])
})
