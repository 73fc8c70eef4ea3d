import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import { mitigations } from '../enforcing/as-it-was.ts'
import { Ends, type PodOrder, type Pulse } from '../enforcing/ends.ts'
import { install, OWN_NAMESPACE } from '../real/installed.ts'
import { type Lifetime, type TestCluster, testCluster, withoutCluster } from '../real/cluster/test-cluster.ts'
import { until } from '../xds/real-envoy.ts'
import type { Figure } from './figure.ts'
import { quantile } from './quantile.ts'

const ROUNDS = 30
/** More victims of one attacker are a sweep, which is answered otherwise. */
const VICTIMS = 3
const PORT = 7000
/** So many datagrams in a row without an answer are a cut, and so many with one are none. */
const RUN = 25
const PATIENT_MS = 120_000
const POLICY = `
rules:
  - { id: scans, name: Scans, attack_class: PORT_SCAN, confidence_threshold: 0.85, cooldown_seconds: 1, ttl_seconds: 3600, actions: [{ action_type: network_policy }] }
`
/** Every round is an action, and most are undone. */
const LIMITS = Object.fromEntries(['actionsPerMinute', 'budgets.rule', 'budgets.target', 'budgets.source', 'breaker.regrets'].map((name) => [`safety.${name}`, '1000']))

/** Unix ms at which the first of an unbroken run of datagrams was sent that all came back, or of which none did; null while there is none. */
function firstOf (pulses: readonly Pulse[], answered: boolean, sinceMs: number): number | null {
  // The newest may still be under way.
  const settled = pulses.slice(0, -RUN)
  const other = settled.findLastIndex((pulse) => pulse.answered !== answered)
  const run = settled.slice(other + 1)
  return run.length < RUN || (run[0]?.atMs ?? 0) < sinceMs ? null : run[0]?.atMs ?? null
}

/** An attacker, a victim, and what the controller did between them. */
class Round {
  readonly #cluster: TestCluster
  readonly #ends: Ends
  readonly #namespace: string
  readonly #names: readonly [string, string]
  readonly #addresses: readonly [string, string]

  constructor (cluster: TestCluster, ends: Ends, namespace: string, names: readonly [string, string]) {
    this.#cluster = cluster
    this.#ends = ends
    this.#namespace = namespace
    this.#names = names
    const addressOf = (name: string): string => ends.pods.find((pod) => pod.name === name)?.addresses[0] ?? ''
    this.#addresses = [addressOf(names[0]), addressOf(names[1])]
  }

  /** A real scan: from the opening of its detection to the first datagram that is refused. Then from the undo to the first that passes, and the same policy by hand. */
  async take (): Promise<{ cutMs: number, undoneMs: number, byHandMs: number }> {
    const { kubectl } = this.#cluster
    const [attacker, victim] = this.#addresses
    await this.#ends.pulse({ source: attacker, destination: victim, port: PORT })
    await this.#becomes(true, 0)
    const scan = this.#inAttacker(`nmap -n -Pn -sT --max-rate 500 --max-retries 1 -p1-20000 ${victim}`).catch(() => 'ended')
    const mitigation = await until(`${this.#names.join(' to ')} is mitigated`, async () => this.#mitigation(), PATIENT_MS)
    const [accepted] = mitigation.status.conditions.filter(({ type }) => type === 'Accepted')
    const openedMs = Date.parse(accepted?.lastTransitionTime ?? '')
    const cutMs = await this.#becomes(false, openedMs) - openedMs
    await this.#inAttacker('killall -q nmap || true')
    await scan

    const { name } = mitigation.metadata
    const stored = JSON.parse(await kubectl(['-n', this.#namespace, 'get', 'networkpolicies,ciliumnetworkpolicies', '-o', 'json'])) as { items: { apiVersion: string, kind: string, metadata: { annotations?: Record<string, string> }, spec: object }[] }
    const policy = stored.items.find(({ metadata }) => metadata.annotations?.['autoshield.dev/mitigation'] === name)
    const saidMs = Date.now()
    await kubectl(['-n', OWN_NAMESPACE, 'annotate', 'mitigation', name, 'autoshield.dev/undo=a measurement'])
    const undoneMs = await this.#becomes(true, saidMs) - saidMs

    const appliedMs = Date.now()
    await kubectl(['apply', '-f', '-'], { stdin: JSON.stringify({ apiVersion: policy?.apiVersion, kind: policy?.kind, metadata: { namespace: this.#namespace, name: 'by-hand' }, spec: policy?.spec }) })
    const byHandMs = await this.#becomes(false, appliedMs) - appliedMs
    await kubectl(['-n', this.#namespace, 'delete', policy?.kind ?? '', 'by-hand'])
    await this.#becomes(true, Date.now())
    return { cutMs, undoneMs, byHandMs }
  }

  async #becomes (answered: boolean, sinceMs: number): Promise<number> {
    const [attacker] = this.#addresses
    return until(`the way from ${this.#names.join(' to ')} is ${answered ? 'open' : 'cut'}`, async () => firstOf(await this.#ends.pulses(attacker), answered, sinceMs) ?? undefined, PATIENT_MS)
  }

  async #inAttacker (command: string): Promise<string> {
    return this.#cluster.kubectl(['-n', this.#namespace, 'exec', this.#names[0], '-c', 'tools', '--', 'sh', '-c', command])
  }

  async #mitigation (): Promise<Mitigation | undefined> {
    return (await mitigations(this.#cluster)).find(({ spec: { subject, victims } }) => subject !== 'anySource' && subject.name === this.#names[0] && victims.some(({ name }) => name === this.#names[1]))
  }
}

/** The installed product on two nodes with Cilium; each round is another pair of pods, with injected observers. */
async function rounds (t: Lifetime, count: number): Promise<Awaited<ReturnType<Round['take']>>[]> {
  const cluster = await testCluster(t, { needs: 'enforcing' })
  await install(t, { 'controller.actuation': 'true', 'webhook.replicas': '1', 'xds.enabled': 'false', policy: POLICY, ...LIMITS }, cluster)
  const namespace = await cluster.namespace({ 'autoshield.dev/injection': 'enabled', 'pod-security.kubernetes.io/enforce': 'privileged' })
  await cluster.kubectl(['-n', namespace, 'wait', '--for=create', 'serviceaccount/default', '--timeout=60s'])
  const pod = (name: string, node: string, ...beside: object[]): PodOrder => ({ namespace, name, node, labels: { app: name }, observed: true, beside })
  const tools = { name: 'tools', image: cluster.images.tools, imagePullPolicy: 'Never', command: ['sleep', '86400'] }
  const victims = Array.from({ length: VICTIMS }, (_, at) => pod(`victim-${at}`, 'node-2'))
  const attackers = Array.from({ length: Math.ceil(count / VICTIMS) }, (_, at) => pod(`attacker-${at}`, 'node-1', tools))
  const ends = await Ends.start(t, cluster, { pods: [...victims, ...attackers], machines: [], ports: [PORT] })
  for (const { name } of ends.pods) await until(`the observer of ${name} is connected`, async () => (await cluster.kubectl(['-n', namespace, 'logs', name, '-c', 'autoshield-observer'])).includes('connected to the detector') || undefined, PATIENT_MS)
  const taken = []
  for (const [at, [attacker, victim]] of attackers.flatMap((one) => victims.map((other) => [one.name, other.name] as const)).slice(0, count).entries()) {
    const figures = await new Round(cluster, ends, namespace, [attacker, victim]).take()
    t.comment(`enforce ${at + 1} of ${count}: ${JSON.stringify(figures)}`)
    taken.push(figures)
  }
  return taken
}

/** From the opening of a detection to the first packet refused by real Cilium, and from an undo to traffic flowing. */
export async function enforceFigures (): Promise<Figure[]> {
  const missing = withoutCluster('enforcing')
  if (missing !== false) throw new Error(missing)
  const ends: (() => unknown)[] = []
  try {
    return await enforceFiguresOf({ teardown: (end) => ends.push(end), comment: (line) => { console.error(`bench: ${line}`) } }, ROUNDS)
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** The same of so many rounds; what it starts ends with `t`. */
export async function enforceFiguresOf (t: Lifetime, count: number): Promise<Figure[]> {
  const taken = await rounds(t, count)
  const [cuts, undone, byHand] = [taken.map(({ cutMs }) => cutMs), taken.map(({ undoneMs }) => undoneMs), taken.map(({ byHandMs }) => byHandMs)]
  const figure = (name: string, values: readonly number[], share: number): Figure => {
    const [value, beside] = [quantile(values, share), quantile(byHand, share)]
    return { name, value, unit: 'ms', beside: { name: 'kubectl apply of the policy by hand', value: beside }, ratio: value / beside }
  }
  return [figure('enforce.detection_to_cut_p50_ms', cuts, 0.5), figure('enforce.detection_to_cut_p99_ms', cuts, 0.99), figure('enforce.undo_p99_ms', undone, 0.99)]
}
