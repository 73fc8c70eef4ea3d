import { TRANSPORTS, type Transport } from '../kubernetes/transport.ts'
import { selects, type Labels } from '../kubernetes/label-selector.ts'
import { connectionsOf, NAMESPACE_NAME, transportOf, type FlowEnd, type FlowPod, type FlowRecord } from './flow-record.ts'
import { outsideBlocks } from './outside-blocks.ts'
import { seenWorkloads, type SeenWorkload } from './seen-workloads.ts'
import { standsIn, throughServices } from './through-services.ts'

export interface PortSeen { readonly protocol: Transport, readonly port: number, readonly connections: number }

/** Whom a rule lists: pods of one workload, or addresses outside. `namespace` null: the policy's own. */
export type RulePeer =
  | { readonly kind: 'pods', readonly namespace: string | null, readonly labels: Labels }
  | { readonly kind: 'blocks', readonly cidrs: readonly string[] }

export interface RecommendedRule {
  readonly peer: RulePeer
  /** Who that is, for people. */
  readonly who: string
  /** By protocol and port. */
  readonly ports: readonly PortSeen[]
}

export interface RecommendedPolicy {
  /** A name that the API server takes. */
  readonly name: string
  readonly workload: SeenWorkload
  readonly labels: Labels
  readonly ingress: readonly RecommendedRule[]
  readonly egress: readonly RecommendedRule[]
}

export interface Recommendation {
  readonly namespace: string
  /** By name. */
  readonly policies: readonly RecommendedPolicy[]
  /** Workloads of the namespace without a policy: a pod of theirs has no observer, or no label selects them. */
  readonly without: readonly { readonly workload: SeenWorkload, readonly why: 'unobserved' | 'no labels' }[]
  /** Flows that no policy was made of: attempts that brought nothing but failures, and what may be part of an attack; most connections first. */
  readonly leftOut: readonly { readonly record: FlowRecord, readonly why: 'failed' | 'suspicious' }[]
  /** Those that they were made of. */
  readonly supporting: readonly FlowRecord[]
}

/** Least-privilege policies of one namespace from what was seen of it. `isSuspicious`: may be part of an attack. */
export function recommend (seen: readonly FlowRecord[], namespace: string, isSuspicious: (record: FlowRecord) => boolean): Recommendation {
  const records = throughServices(seen).filter((record) => transportOf(record.protocol) !== null && record.port !== 0 && [record.source, record.destination].some(({ pod }) => pod?.namespace === namespace))
  const workloads = seenWorkloads(records)
  const leftOut = records.flatMap((record): Recommendation['leftOut'] => isSuspicious(record) ? [{ record, why: 'suspicious' }] : record.failed >= connectionsOf(record) ? [{ record, why: 'failed' }] : [])
  leftOut.sort((one, other) => connectionsOf(other.record) - connectionsOf(one.record))
  const out = new Set(leftOut.map(({ record }) => record))
  const supporting = records.filter((record) => !out.has(record))
  const own = [...new Set(workloads.values())].filter((workload) => workload.namespace === namespace && !workload.pods.every(standsIn)).sort(byName)
  const without = own.flatMap((workload): Recommendation['without'] =>
    workload.observed.size < workload.pods.length ? [{ workload, why: 'unobserved' }] : workload.selector === null ? [{ workload, why: 'no labels' }] : [])
  const names = new Set<string>()
  const policies = own.flatMap((workload): RecommendedPolicy[] => {
    if (workload.selector === null || workload.observed.size < workload.pods.length) return []
    const isOwn = ({ pod }: FlowEnd): boolean => pod !== null && (workloads.get(pod.uid) === workload || standsFor(pod, workload))
    return [{
      name: policyName(workload.name, names),
      workload,
      labels: workload.selector.labels,
      ingress: rulesOf(supporting.filter(({ destination }) => isOwn(destination)), ({ source }) => source, workload, workloads),
      egress: rulesOf(supporting.filter(({ source }) => isOwn(source)), ({ destination }) => destination, workload, workloads),
    }]
  })
  return { namespace, policies, without, leftOut, supporting }
}

/** Whether what goes to a Service may end at the workload. */
const standsFor = (pod: FlowPod, { namespace, pods }: SeenWorkload): boolean =>
  standsIn(pod) && pod.namespace === namespace && pods.some(({ labels }) => selects({ matchLabels: pod.labels }, labels))

const byName = (one: SeenWorkload, other: SeenWorkload): number => one.name < other.name ? -1 : 1

function rulesOf (records: readonly FlowRecord[], otherOf: (record: FlowRecord) => FlowEnd, own: SeenWorkload, workloads: ReadonlyMap<string, SeenWorkload>): RecommendedRule[] {
  // Addresses outside that use the same ports stand in one rule.
  const portsOf = Map.groupBy(records.filter((record) => !isPod(otherOf(record))), (record) => otherOf(record).address)
  const groups = Map.groupBy(records, (record) => {
    const other = otherOf(record)
    const pod = other.pod
    const workload = pod === null ? undefined : workloads.get(pod.uid)
    return workload === undefined ? `outside ${portsSeen(portsOf.get(other.address) ?? []).map(({ protocol, port }) => `${protocol}/${port}`).join()}` : `${workload.namespace}/${workload.name}`
  })
  return [...groups].sort(([one], [other]) => one < other ? -1 : 1).map(([who, some]): RecommendedRule => {
    const [first] = some
    const pod = first === undefined ? null : otherOf(first).pod
    const workload = pod === null ? undefined : workloads.get(pod.uid)
    if (workload === undefined) {
      const addresses = [...new Set(some.flatMap((record) => behind(otherOf(record))))]
      const services = [...new Set(some.flatMap((record) => otherOf(record).service ?? []).map(({ namespace, name }) => `Service ${namespace}/${name}`))]
      return { peer: { kind: 'blocks', cidrs: outsideBlocks(addresses) }, who: services.length > 0 ? services.join(', ') : `${addresses.length} ${addresses.length === 1 ? 'address' : 'addresses'} outside`, ports: portsSeen(some) }
    }
    const namespace = workload.namespace === own.namespace ? null : workload.namespace
    return { peer: { kind: 'pods', namespace, labels: workload.selector?.labels ?? {} }, who, ports: portsSeen(some) }
  })
}

/** Whether policies speak of it as a pod: one on its node's network is its node. */
const isPod = ({ pod }: FlowEnd): boolean => pod !== null && !pod.hostNetwork

/** What is behind a Service that selects no pods are several addresses, any of which may answer. */
const behind = ({ address, service }: FlowEnd): readonly string[] => service === null || service.addresses.length === 0 ? [address] : service.addresses

function portsSeen (records: readonly FlowRecord[]): PortSeen[] {
  const ports = new Map<string, PortSeen>()
  for (const record of records) {
    const protocol = transportOf(record.protocol)
    if (protocol === null) continue
    const id = `${protocol} ${record.port}`
    ports.set(id, { protocol, port: record.port, connections: (ports.get(id)?.connections ?? 0) + connectionsOf(record) })
  }
  return [...ports.values()].sort((one, other) => TRANSPORTS.indexOf(one.protocol) - TRANSPORTS.indexOf(other.protocol) || one.port - other.port)
}

/** Lower-case letters, digits and dashes, at most 63; one that is not taken, which it then is. */
function policyName (workload: string, taken: Set<string>): string {
  const plain = `seen-${workload}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').slice(0, 58).replace(/-$/, '')
  let name = plain
  for (let number = 2; taken.has(name); number++) name = `${plain}-${number}`
  taken.add(name)
  return name
}

/** DNS as kubeadm and most distributions label it: every pod asks it, whether an observer saw that or not. */
export const DNS_PEER = { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' }, ports: [{ protocol: 'TCP', port: 53 }, { protocol: 'UDP', port: 53 }] } as const

/** The policy as networking.k8s.io/v1 has it. */
export function policyObject ({ name, workload: { namespace }, labels, ingress, egress }: RecommendedPolicy): object {
  const peer = (of: RulePeer): object[] => of.kind === 'blocks'
    ? of.cidrs.map((cidr) => ({ ipBlock: { cidr } }))
    : [{ ...(of.namespace !== null && { namespaceSelector: { matchLabels: { [NAMESPACE_NAME]: of.namespace } } }), podSelector: { matchLabels: of.labels } }]
  const ports = (some: readonly PortSeen[]): object[] => some.map(({ protocol, port }) => ({ protocol, port }))
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace },
    spec: {
      podSelector: { matchLabels: labels },
      policyTypes: ['Ingress', 'Egress'],
      ingress: ingress.map((rule) => ({ from: peer(rule.peer), ports: ports(rule.ports) })),
      egress: [
        ...egress.map((rule) => ({ to: peer(rule.peer), ports: ports(rule.ports) })),
        { to: [{ namespaceSelector: { matchLabels: { [NAMESPACE_NAME]: DNS_PEER.namespace } }, podSelector: { matchLabels: DNS_PEER.labels } }], ports: DNS_PEER.ports.map((port) => ({ ...port })) },
      ],
    },
  }
}
