import { matcherOf, type Labels } from '../../kubernetes/label-selector.ts'
import type { Pod } from '../../pod.ts'
import { inBlock } from './address-block.ts'
import { policyKey, type Peer, type Plugin, type Policy, type PortRule, type Rule } from './policy.ts'
import { ALL_PORTS, portsOf, union, type PortSet } from './port-set.ts'

/** One end of a flow: an address, its words, and the pod that owns it, or the name of the node; neither where it is outside. */
export interface Located {
  readonly address: string
  readonly words: Int32Array
  readonly pod: Pod | null
  readonly node: string | null
}

export interface CompiledPolicy {
  readonly key: string
  readonly policy: Policy
  readonly selects: (labels: Labels) => boolean
  readonly ingress: readonly CompiledRule[] | null
  readonly egress: readonly CompiledRule[] | null
  /** Empty where the plugin knows no such rules. */
  readonly deny: { readonly ingress: readonly CompiledRule[], readonly egress: readonly CompiledRule[] }
}

/** Whether the rule lists this end. */
export type PeerTest = (end: Located) => boolean

export interface CompiledRule {
  readonly peers: readonly PeerTest[]
  /** Of a destination, for names stand for other numbers on each. */
  readonly ports: (destination: Located) => PortSet
}

/** What compiling needs to know of the cluster. */
export interface Surroundings {
  readonly namespaces: ReadonlyMap<string, Labels>
  readonly plugin: Plugin
  /** A pod's labels as selectors see them. */
  readonly seen: (labels: Labels) => Labels
}

export function compilePolicy (policy: Policy, around: Surroundings): CompiledPolicy {
  const compile = (rules: readonly Rule[]): CompiledRule[] => rules.map(({ peers, ports }) => ({
    peers: peers === 'everybody' ? [() => true] : peers.map((peer) => compilePeer(peer, policy.namespace, around)),
    ports: ports === 'any' ? () => ALL_PORTS : compilePorts(ports),
  }))
  const { ingress, egress, deny } = policy
  const matches = matcherOf(policy.pods)
  return {
    key: policyKey(policy),
    policy,
    selects: (labels) => matches(around.seen(labels)),
    ingress: ingress === null ? null : compile(ingress),
    egress: egress === null ? null : compile(egress),
    deny: deny === undefined || around.plugin === 'most' ? NO_RULES : { ingress: compile(deny.ingress), egress: compile(deny.egress) },
  }
}

const NO_RULES = { ingress: [], egress: [] } as const

function compilePeer (peer: Peer, own: string, { namespaces, plugin, seen }: Surroundings): PeerTest {
  if (peer.kind === 'block') {
    const { block, except } = peer
    return ({ words, pod, node }) => (plugin === 'most' || (pod === null && node === null)) && inBlock(block, words) && !except.some((hole) => inBlock(hole, words))
  }
  const there = matcherOf(peer.namespaces ?? undefined)
  const those = matcherOf(peer.pods)
  // Most peers are never asked about.
  let names: ReadonlySet<string> | null = null
  const named = (): ReadonlySet<string> => new Set(peer.namespaces === null ? [own] : [...namespaces].flatMap(([name, labels]) => there(labels) ? [name] : []))
  return ({ pod }) => pod !== null && (names ??= named()).has(pod.namespace) && those(seen(pod.labels))
}

function compilePorts (rules: readonly PortRule[]): CompiledRule['ports'] {
  const numbers = union(rules.flatMap((rule) => 'name' in rule ? [] : [portsOf(rule)]))
  const names = rules.flatMap((rule) => 'name' in rule ? [rule] : [])
  if (names.length === 0) return () => numbers
  return ({ pod }) => {
    const named = (pod?.ports ?? []).filter(({ name, protocol }) => names.some((rule) => rule.name === name && rule.protocol === protocol))
    return union([numbers, ...named.map(({ protocol, number }) => portsOf({ protocol, first: number, last: number }))])
  }
}

/** The ports that the rules list between their pod and the other end. */
export function listedPorts (rules: readonly CompiledRule[], lists: (rule: CompiledRule) => boolean, destination: Located): PortSet {
  const sets: PortSet[] = []
  for (const rule of rules) {
    if (!lists(rule)) continue
    const ports = rule.ports(destination)
    if (ports === ALL_PORTS) return ALL_PORTS
    sets.push(ports)
  }
  return union(sets)
}
