import type { Test } from 'tap'
import type { TestCluster } from '../real/cluster/test-cluster.ts'
import { until } from '../xds/real-envoy.ts'
import { type Attempt, Ends, type PodOrder } from './ends.ts'
import { Guarded } from './guarded.ts'

/** Every pod and machine of a stage listens on it. */
export const PORT = 7080
const TRIED_MS = 2000
const COMES_TRUE_MS = 45_000
/** Ports that a scan tries. */
export const SCANNED = Array.from({ length: 200 }, (_, at) => 30_000 + at)
/** A fan-out has no `target.address`, so the rule is about pairs alone: the other ways of a scanner stay as they are. */
const rules = (action: string): string => `
rules:
  - id: scans
    name: Scans
    attack_class: PORT_SCAN
    confidence_threshold: 0.85
    condition: NOT target.address == "none"
    cooldown_seconds: 1
    blast_radius_limit: 5
    ttl_seconds: 900
    approval: { required: never }
    actions: [{ action_type: ${action} }]
`
const OBSERVED = { 'autoshield.dev/injection': 'enabled', 'pod-security.kubernetes.io/enforce': 'privileged' }

const isObserved = ({ namespace, hostNetwork, labels }: { readonly namespace?: string, readonly hostNetwork?: true, readonly labels: Readonly<Record<string, string>> }): boolean =>
  namespace === undefined && hostNetwork === undefined && labels['autoshield.dev/inject'] !== 'false'

/** AutoShield on a cluster that enforces, pods of which most are observed, and one rule about scans of one by another. */
export class Stage {
  readonly cluster: TestCluster
  readonly guarded: Guarded
  /** Its pods are observed unless their labels say otherwise. */
  readonly namespace: string
  /** The newest first: an address may be another pod's by now. */
  readonly #ends: Ends[]

  private constructor (cluster: TestCluster, guarded: Guarded, namespace: string, ends: Ends) {
    this.cluster = cluster
    this.guarded = guarded
    this.namespace = namespace
    this.#ends = [ends]
  }

  /** `pods` without a namespace are of the stage's. `action`: of the rule, as YAML. */
  static async set (t: Test, cluster: TestCluster, pods: readonly (Omit<PodOrder, 'namespace'> & { readonly namespace?: string })[], action = 'network_policy, parameters: { direction: both, ports: any }'): Promise<Stage> {
    const guarded = await Guarded.start(t, cluster, rules(action), { 'safety.breaker.regrets': '1000' })
    const namespace = await cluster.namespace(OBSERVED)
    const ends = await Ends.start(t, cluster, { pods: pods.map((pod) => ({ namespace, ...isObserved(pod) && { observed: true }, ...pod })), machines: [cluster.enforcing.outside], ports: [PORT] })
    return new Stage(cluster, guarded, namespace, ends)
  }

  /** The first address of a pod. */
  addressOf (name: string): string {
    return this.#pod(name).addresses[0] ?? ''
  }

  uidOf (name: string): string { return this.#pod(name).uid }

  #pod (name: string) {
    const pod = this.#ends.flatMap(({ pods }) => pods).find((one) => one.name === name)
    if (pod === undefined) throw new Error(`the stage has no pod ${name}`)
    return pod
  }

  /** A pod more; resolves to its address. */
  async joins (t: Test, pod: Omit<PodOrder, 'namespace'>): Promise<string> {
    this.#ends.unshift(await Ends.start(t, this.cluster, { pods: [{ namespace: this.namespace, ...pod }], machines: [], ports: [PORT] }))
    return this.addressOf(pod.name)
  }

  async #try (source: string, attempts: readonly Pick<Attempt, 'destination' | 'port'>[], timeoutMs: number): Promise<boolean[]> {
    const ends = this.#ends.find(({ addresses }) => addresses.includes(source))
    if (ends === undefined) throw new Error(`nobody tries from ${source}`)
    return ends.try(attempts.map((attempt) => ({ protocol: 'TCP', source, ...attempt })), timeoutMs)
  }

  async reaches (source: string, destination: string, port = PORT): Promise<boolean> {
    return (await this.#try(source, [{ destination, port }], TRIED_MS))[0] === true
  }

  /** Those of these ways on which nothing comes through, tried all at once. */
  async shut<Way extends readonly [source: string, destination: string]> (ways: readonly Way[], timeoutMs: number): Promise<Way[]> {
    const bySource = Map.groupBy(ways, ([source]) => source)
    const shut = await Promise.all([...bySource].map(async ([source, some]) => {
      const reached = await this.#try(source, some.map(([, destination]) => ({ destination, port: PORT })), timeoutMs)
      return some.filter((_, at) => reached[at] !== true)
    }))
    return shut.flat()
  }

  /** Waits until real packets pass from one address to another, or do not. */
  async becomes (what: 'open' | 'cut', source: string, destination: string, port = PORT): Promise<void> {
    await until(`the way from ${source} to ${destination}:${port} is ${what}`, async () => await this.reaches(source, destination, port) === (what === 'open') || undefined, COMES_TRUE_MS)
  }

  async scan (source: string, destination: string): Promise<void> {
    await this.#try(source, SCANNED.map((port) => ({ destination, port })), 1000)
  }

  /** Makes a Service with the port that everybody listens on and all that are scanned; resolves to its address. */
  async service (name: string, app: string, { namespace = this.namespace, nodePorts = false, first = [] }: { namespace?: string, nodePorts?: boolean, first?: readonly object[] } = {}): Promise<string> {
    const ports = [...first, { name: 'open', port: PORT, ...nodePorts && { nodePort: 31_000 } }, ...SCANNED.map((port) => ({ name: `p${port}`, port, ...nodePorts && { nodePort: port } }))]
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { type: nodePorts ? 'NodePort' : 'ClusterIP', selector: { app }, ports } }
    return this.cluster.kubectl(['-n', namespace, 'create', '-f', '-', '-o', 'jsonpath={.spec.clusterIP}'], { stdin: JSON.stringify(service) })
  }

  /** Undoes what is in force. */
  async undoAll (): Promise<void> {
    for (const { metadata: { name }, status: { phase } } of await this.guarded.mitigations()) if (phase === 'active') await this.guarded.api(`/mitigations/${name}/revert`, { reason: 'the case is over' })
  }

  /** Names of the mitigations that restrict a pod, whatever became of them. */
  async restrictionsOf (uid: string): Promise<string[]> {
    return (await this.guarded.mitigations()).flatMap(({ metadata, spec: { subject } }) => subject !== 'anySource' && subject.uid === uid ? [metadata.name] : [])
  }
}
