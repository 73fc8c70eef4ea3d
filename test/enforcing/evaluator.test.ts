import t from 'tap'
import { loadClusterConfig } from '../../src/adapters/kubernetes/cluster-config.ts'
import { Transport } from '../../src/adapters/kubernetes/transport.ts'
import { readPolicy } from '../../src/core/plan/reach/read-policy.ts'
import { Reach } from '../../src/core/plan/reach/reach.ts'
import type { Pod } from '../../src/core/pod.ts'
import type { RawPolicy } from '../cyclonus/raw-cluster.ts'
import { randomLabels } from '../cyclonus/random-cluster.ts'
import { randomFrom } from '../lab/random.ts'
import { testCluster, withoutCluster } from '../real/cluster/test-cluster.ts'
import { Agents } from './agents.ts'
import { type Attempt, Ends } from './ends.ts'
import { NAMESPACES, PORTS, randomPods, randomSet } from './random-sets.ts'

/** As many as fit into four minutes; the figure in the README is of 300. */
const SETS = Number(process.env['POLICY_SETS'] ?? 100)
const TIMEOUT_MS = 700
/** What differs is asked again, for a packet may be late on a busy machine. */
const PATIENT_MS = 3000
const PROGRESS_EVERY = 10
/** Cilium takes its time over another identity: up to 20 s. */
const RELABEL_EVERY = 25
t.setTimeout(120_000 + SETS * 15_000)

t.test(`${SETS} random sets of policies get the verdicts of real Cilium`, { skip: withoutCluster('enforcing') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'enforcing' })
  const { namespace, enforcing, kubeconfig } = cluster
  const random = randomFrom(process.env['POLICY_SEED'] ?? 'enforced')
  const namespaces = await Promise.all(Array.from({ length: NAMESPACES }, (_, at) => namespace({ a: String(at % 2) })))
  const ends = await Ends.start(t, cluster, { pods: randomPods(random, namespaces), machines: [enforcing.outside], ports: PORTS })
  const agents = new Agents(enforcing.nodes)
  using api = new Transport(loadClusterConfig({ kubeconfig }), 30_000)
  let { pods } = ends
  const addresses = [...ends.addresses, '10.0.9.9']
  let [compared, denied, late] = [0, 0, 0]
  for (let set = 1; set <= SETS; set++) {
    const policies = randomSet(random, namespaces, addresses)
    pods = await relabel(api, pods, set % RELABEL_EVERY === 0 ? random.sample(pods, 1) : [], () => randomLabels(random))
    await agents.inForce(await replace(api, namespaces, policies), pods)
    const reach = new Reach({
      pods,
      namespaces: namespaces.map((name, at) => ({ name, labels: { a: String(at % 2), 'kubernetes.io/metadata.name': name } })),
      nodes: enforcing.nodes,
      policies: policies.map(readPolicy),
      plugin: 'cilium',
    })
    const ports = [0, 1].map(() => ({ protocol: random.pick(['TCP', 'UDP'] as const), port: random.pick(PORTS) }))
    const attempts = pairs(pods, enforcing.outside.addresses).flatMap(([source, destination]) => ports.map((port): Attempt => ({ source, destination, ...port })))
    const differing = await differences(ends, reach, attempts, TIMEOUT_MS)
    const still = differing.length === 0 ? [] : await differences(ends, reach, differing, PATIENT_MS)
    compared += attempts.length
    denied += attempts.filter((attempt) => !reach.verdict(attempt).allowed).length
    late += differing.length - still.length
    if (still.length > 0) {
      const told = still.slice(0, 12).map((attempt) => ({ ...attempt, ...reach.verdict(attempt) }))
      t.strictSame(told, [], `set ${set}: ${JSON.stringify({ policies: policies.map(({ metadata, spec }) => ({ metadata, spec })), pods })}`)
      if (process.env['POLICY_GO_ON'] === undefined) return
    }
    if (set % PROGRESS_EVERY === 0) console.error(`evaluator: ${set} of ${SETS} sets, ${compared} verdicts, ${denied} denied, ${late} late`)
  }
  t.ok(denied > compared / 10 && denied < compared * 0.9, `both verdicts are common: ${denied} of ${compared} are denied`)
})

/** Every pair with an end that policies can select. */
function pairs (pods: readonly Pod[], outside: readonly string[]): [string, string][] {
  const selectable = pods.filter(({ hostNetwork }) => hostNetwork !== true).flatMap(({ addresses }) => addresses)
  const others = [...pods.filter(({ hostNetwork }) => hostNetwork === true).flatMap(({ addresses }) => addresses), ...outside]
  return selectable.flatMap((one) => [
    ...selectable.filter((other) => other !== one).map((other): [string, string] => [one, other]),
    ...others.flatMap((other): [string, string][] => [[one, other], [other, one]]),
  ])
}

async function differences (ends: Ends, reach: Reach, attempts: readonly Attempt[], timeoutMs: number): Promise<Attempt[]> {
  const reached = await ends.try(attempts, timeoutMs)
  return attempts.filter((attempt, at) => reach.verdict(attempt).allowed !== reached[at])
}

/** Puts these policies in place of all others; resolves to their UIDs. */
async function replace (api: Transport, namespaces: readonly string[], policies: readonly RawPolicy[]): Promise<Set<string>> {
  const path = (name: string): string => `/apis/networking.k8s.io/v1/namespaces/${name}/networkpolicies`
  await Promise.all(namespaces.map((name) => api.send({ method: 'DELETE', path: path(name) })))
  return new Set(await Promise.all(policies.map(async (policy) => {
    const { status, text } = await api.send({ method: 'POST', path: path(policy.metadata.namespace), body: policy })
    if (status !== 201) throw new Error(`the API server refused ${JSON.stringify(policy)}: ${text}`)
    return (JSON.parse(text) as { metadata: { uid: string } }).metadata.uid
  })))
}

/** Gives some of the pods other labels; resolves to all as they are then. */
async function relabel (api: Transport, pods: readonly Pod[], some: readonly Pod[], labels: () => Record<string, string>): Promise<Pod[]> {
  return Promise.all(pods.map(async (pod) => {
    if (!some.includes(pod)) return pod
    const fresh = labels()
    const gone = Object.fromEntries(Object.keys(pod.labels).map((key) => [key, null]))
    const { status, text } = await api.send({ method: 'PATCH', path: `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`, contentType: 'application/merge-patch+json', body: { metadata: { labels: { ...gone, ...fresh } } } })
    if (status !== 200) throw new Error(`${pod.name} keeps its labels: ${text}`)
    return { ...pod, labels: fresh }
  }))
}
