import t from 'tap'
import { type TestCluster, testCluster, withoutCluster } from '../real/cluster/test-cluster.ts'
import { Agents } from './agents.ts'
import { type Attempt, Ends } from './ends.ts'

t.setTimeout(600_000)

const WITHIN_MS = 3000
/** No other test of the tier listens on it: pods on a node's network may outlive their test for a moment. */
const PORT = 7070
const API_PORT = 6443
type Name = 'attacker' | 'near' | 'far' | 'own node' | 'other node' | 'outside' | 'API server'

/** An attacker and a neighbour on the first node, another pod on the second, and who of all of them it reaches. */
class Stage {
  readonly #cluster: TestCluster
  readonly #agents: Agents
  readonly #ends: Ends
  readonly #namespace: string

  private constructor (cluster: TestCluster, ends: Ends, namespace: string) {
    this.#cluster = cluster
    this.#agents = new Agents(cluster.enforcing.nodes)
    this.#ends = ends
    this.#namespace = namespace
  }

  static async set (t: Parameters<typeof testCluster>[0]): Promise<Stage> {
    const cluster = await testCluster(t, { needs: 'enforcing' })
    const namespace = await cluster.namespace()
    const labels = (app: string): Record<string, string> => ({ app, 'pod-template-hash': 'x' })
    const pods = [
      { namespace, name: 'attacker', node: 'node-1', labels: labels('attacker') },
      { namespace, name: 'near', node: 'node-1', labels: labels('near') },
      { namespace, name: 'far', node: 'node-2', labels: labels('far') },
    ]
    return new Stage(cluster, await Ends.start(t, cluster, { pods, machines: [...cluster.enforcing.nodes, cluster.enforcing.outside], ports: [PORT] }), namespace)
  }

  /** With a policy on the attacker in force: whom it reaches, and who reaches it. */
  async under (kind: 'NetworkPolicy' | 'CiliumNetworkPolicy', spec: object): Promise<{ to: Name[], from: Name[] }> {
    const policy = { apiVersion: kind === 'NetworkPolicy' ? 'networking.k8s.io/v1' : 'cilium.io/v2', kind, metadata: { name: 'tried', namespace: this.#namespace }, spec }
    const uid = await this.#cluster.kubectl(['create', '-f', '-', '-o', 'jsonpath={.metadata.uid}'], { stdin: JSON.stringify(policy) })
    await this.#agents.inForce(new Set([uid]), this.#ends.pods)
    const [to, from] = await Promise.all([this.#passing((attacker, other, port) => ({ source: attacker, destination: other, port })), this.#passing((attacker, other, port) => ({ source: other, destination: attacker, port }))])
    await this.#cluster.kubectl(['-n', this.#namespace, 'delete', kind, 'tried'])
    await this.#agents.inForce(new Set(), this.#ends.pods)
    return { to, from: from.filter((name) => name !== 'API server') }
  }

  async #passing (between: (attacker: string, other: string, port: number) => Pick<Attempt, 'source' | 'destination' | 'port'>): Promise<Name[]> {
    const [attacker = '', near = '', far = ''] = this.#ends.pods.map(({ addresses }) => addresses[0])
    const [[own = ''], [other = '']] = this.#cluster.enforcing.nodes.map(({ addresses }) => addresses) as [string[], string[]]
    const others: [Name, string, number][] = [['near', near, PORT], ['far', far, PORT], ['own node', own, PORT], ['other node', other, PORT], ['outside', this.#cluster.enforcing.outside.addresses[0] ?? '', PORT], ['API server', own, API_PORT]]
    const reached = await this.#ends.try(others.map(([, address, port]) => ({ protocol: 'TCP', ...between(attacker, address, port) })), WITHIN_MS)
    return others.flatMap(([name], at) => reached[at] === true ? [name] : [])
  }
}

const ATTACKER = { matchLabels: { app: 'attacker' } }
const EVERYBODY: Name[] = ['near', 'far', 'own node', 'other node', 'outside', 'API server']
const REACHING = EVERYBODY.slice(0, -1)

t.test('what Cilium does otherwise than the API, as src/core/plan/README.md has it', { skip: withoutCluster('enforcing') }, async (t) => {
  const stage = await Stage.set(t)
  const notFar = { podSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['far'] }] }, namespaceSelector: {} }
  t.strictSame(await stage.under('NetworkPolicy', { podSelector: ATTACKER, policyTypes: ['Egress'], egress: [{ to: [notFar, { ipBlock: { cidr: '0.0.0.0/0' } }] }] }), { to: ['near', 'outside'], from: REACHING },
    'all pods but one and 0.0.0.0/0 cut the ways to both nodes and to an API server that runs on one')
  t.strictSame(await stage.under('NetworkPolicy', { podSelector: ATTACKER, policyTypes: ['Ingress'], ingress: [{ from: [notFar, { ipBlock: { cidr: '0.0.0.0/0' } }] }] }), { to: EVERYBODY, from: ['near', 'own node', 'outside'] },
    'the same the other way: the own node is let in, another is not')
  t.strictSame(await stage.under('NetworkPolicy', { podSelector: ATTACKER, policyTypes: ['Egress'], egress: [{ ports: [{ protocol: 'TCP', port: 1, endPort: 65535 }] }] }), { to: EVERYBODY, from: REACHING },
    'a rule without peers lists nodes as well')
  t.strictSame(await stage.under('NetworkPolicy', { podSelector: { matchLabels: { app: 'attacker', 'pod-template-hash': 'x' } }, policyTypes: ['Egress'] }), { to: EVERYBODY, from: REACHING },
    'a label that the filter leaves out selects nothing')
  t.strictSame(await stage.under('NetworkPolicy', { podSelector: ATTACKER, policyTypes: ['Ingress'], ingress: [{}], egress: [{ ports: [{ protocol: 'TCP', port: 1 }] }] }), { to: [], from: REACHING },
    'rules for a direction that policyTypes leaves out hold')
  t.strictSame(await stage.under('CiliumNetworkPolicy', { endpointSelector: ATTACKER, enableDefaultDeny: { egress: false, ingress: false }, egressDeny: [{ toEndpoints: [{ matchLabels: { app: 'far' } }] }] }),
    { to: EVERYBODY.filter((name) => name !== 'far'), from: REACHING }, 'a policy of its own that denies cuts that way and nothing else')
})
