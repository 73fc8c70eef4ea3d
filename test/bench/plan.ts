import { join } from 'node:path'
import { groundOf, type Ground } from '../../src/core/plan/check-plan.ts'
import { planAction } from '../../src/core/plan/plan-action.ts'
import { readPolicy } from '../../src/core/plan/reach/read-policy.ts'
import { Reach, type Cluster } from '../../src/core/plan/reach/reach.ts'
import type { Pod } from '../../src/core/pod.ts'
import { context, detectionOf, ruleOf } from '../core/plan/scene.ts'
import { Oracle } from '../cyclonus/oracle.ts'
import { randomFrom } from '../lab/random.ts'
import { goProgram } from '../setup/go-program.ts'
import type { Figure } from './figure.ts'
import { quantile } from './quantile.ts'

const NAMESPACES = 100
const PODS_EACH = 100
const WORKLOADS = 20
const ASKED = 50
/** Flows of the two pods in the last hour, that a plan is held against. */
const SEEN = 200
const BUILDS = 5
const CYCLONUS = 'cyclonus, on one port'

const name = (namespace: number): string => `n${namespace}`

/** Ten policies a namespace, as people write them: isolate all, DNS for all, and eight that let others in or out. */
function policiesOf (namespace: number): object[] {
  const policy = (at: number | string, spec: object): object => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { namespace: name(namespace), name: `p${at}` }, spec })
  const app = (at: number): object => ({ matchLabels: { app: `w${at % WORKLOADS}` } })
  const ports = [{ port: 'http' }, { port: 8000, endPort: 8999 }, { protocol: 'UDP', port: 53 }]
  return [
    policy('isolate', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
    policy('dns', { podSelector: {}, policyTypes: ['Egress'], egress: [{ to: [{ namespaceSelector: {} }], ports: [{ protocol: 'UDP', port: 53 }, { port: 53 }] }] }),
    ...Array.from({ length: 8 }, (_, at) => policy(at, {
      podSelector: app(2 * at),
      ingress: [{ from: [{ podSelector: app(at + 1) }, { namespaceSelector: { matchLabels: { team: `t${at}` } }, podSelector: app(at) }], ports }, { from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] }],
      egress: [{ to: [{ podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['w1', 'w2', 'w3'] }] } }, { namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['t1'] }] } }], ports }],
    })),
  ]
}

function bigCluster (): Omit<Cluster, 'policies'> & { policies: object[] } {
  const pods = Array.from({ length: NAMESPACES * PODS_EACH }, (_, at): Pod => {
    const [namespace, which] = [Math.floor(at / PODS_EACH), at % PODS_EACH]
    return {
      uid: `u${at}`,
      namespace: name(namespace),
      name: `w${which % WORKLOADS}-${which}`,
      addresses: [`10.${namespace}.0.${which + 1}`],
      labels: { app: `w${which % WORKLOADS}`, 'pod-template-hash': `h${which % WORKLOADS}`, tier: 'back' },
      node: `node${at % 100}`,
      ports: [{ name: 'http', protocol: 'TCP', number: 8080 + which % 2 }],
    }
  })
  const namespaces = Array.from({ length: NAMESPACES }, (_, at) => ({ name: name(at), labels: { 'kubernetes.io/metadata.name': name(at), team: `t${at % 8}` } }))
  return { pods, namespaces, nodes: [], policies: namespaces.flatMap((_, at) => policiesOf(at)), plugin: 'most' }
}

/** One denial between two pods, chosen and checked: where nothing had changed since the plan before, and where a pod had. */
function planTimes (cluster: Cluster, random: ReturnType<typeof randomFrom>): { readonly same: readonly number[], readonly changed: readonly number[] } {
  const { rule, action } = ruleOf('network_policy, parameters: { direction: both, ports: [8080] }')
  const plan = (ground: Ground): void => {
    const [source, target] = random.sample(cluster.pods, 2)
    if (source === undefined || target === undefined) throw new Error('the cluster has no two pods')
    const end = ({ uid, addresses: [address = ''] }: Pod) => ({ uid, address })
    const flows = [source, target].flatMap((from) => random.sample(cluster.pods, SEEN / 2).map((to) => ({ source: end(from).address, destination: end(to).address, protocol: 'TCP' as const, port: 8080, connections: 3 })))
    planAction(rule, action, detectionOf({ source: end(source), target: end(target) }), context({ pods: cluster.pods, cluster: { known: true, ground, seen: () => flows } }))
  }
  const kept = groundOf(cluster)
  return {
    same: Array.from({ length: ASKED }, () => time(() => plan(kept)).ms),
    changed: Array.from({ length: ASKED }, () => time(() => plan(groundOf({ ...cluster, pods: [...cluster.pods] }, kept))).ms),
  }
}

const time = <T>(work: () => T): { ms: number, made: T } => { const started = performance.now(); const made = work(); return { ms: performance.now() - started, made } }

/** All verdicts of one pod among 10,000 under 1,000 policies, on every port; beside cyclonus's on a single one. */
export async function planFigures (): Promise<Figure[]> {
  const cluster = bigCluster()
  const random = randomFrom('plan')
  const asked = random.sample(cluster.pods, ASKED)
  const build = (): Reach => new Reach({ ...cluster, policies: cluster.policies.map(readPolicy) })
  const cold = Array.from({ length: BUILDS }, () => time(() => build().pairsOf(random.pick(cluster.pods))).ms)
  const reach = build()
  const warm = asked.map((pod) => time(() => reach.pairsOf(pod)).ms)

  const plans = planTimes({ ...cluster, policies: cluster.policies.map(readPolicy) }, random)

  await using oracle = new Oracle(await goProgram(join(import.meta.dirname, '../cyclonus/cyclonus-oracle')))
  const [one, all] = [[asked[0]?.addresses[0] ?? ''], cluster.pods.flatMap(({ addresses }) => addresses)]
  const theirs = async (ports: readonly object[]): Promise<number> => {
    const started = performance.now()
    await oracle.ask([[one, all], [all, one]].map(([sources, destinations]) => ({ cluster, sources, destinations, ports })))
    return performance.now() - started
  }
  // What it takes to hand the cluster over is not the matcher's.
  const [handing, judging] = [await theirs([]), await theirs([{ protocol: 'TCP', number: 8080 }])]
  const figure = (what: string, value: number): Figure => ({ name: `plan.${what}`, value, unit: 'ms', beside: { name: CYCLONUS, value: judging - handing }, ratio: value / (judging - handing) })
  return [
    figure('pod_verdicts_ms', quantile(warm, 0.95)), figure('pod_verdicts_cold_ms', quantile(cold, 0.5)),
    figure('p95_ms', quantile(plans.same, 0.95)), figure('changed_p95_ms', quantile(plans.changed, 0.95)),
  ]
}
