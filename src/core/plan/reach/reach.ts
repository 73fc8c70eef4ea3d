import { AutoshieldError } from '../../errors.ts'
import { addressText } from '../../flow/address.ts'
import type { Labels } from '../../kubernetes/label-selector.ts'
import type { Namespace } from '../../kubernetes/object.ts'
import type { Pod } from '../../pod.ts'
import type { AddressBlock } from './address-block.ts'
import { compilePolicy, type CompiledPolicy, type CompiledRule, type Located, type PeerTest, type Surroundings } from './compiled.ts'
import { End, isIpv6, wordsOf } from './end.ts'
import { both, DIRECTIONS, isolation, mayChange, portsBy, type Direction, type Isolation } from './isolation.ts'
import type { Plugin, Policy } from './policy.ts'
import { PolicyIndex } from './policy-index.ts'
import { ALL_PORTS, hasPort, intersection, type PortSet } from './port-set.ts'
import { seenLabels } from './unseen-labels.ts'
import type { Flow, FlowVerdict, FreeReason, SideVerdict } from './verdict.ts'

/** All that the verdicts depend on. */
export interface Cluster {
  /** Each address belongs to one of them at most, in canonical text. Those on their node's network are no ends: their node is. */
  readonly pods: readonly Pod[]
  /** Those of every pod at least. */
  readonly namespaces: readonly Pick<Namespace, 'name' | 'labels'>[]
  /** A node and its own pods always reach each other. */
  readonly nodes: readonly { readonly name: string, readonly addresses: readonly string[] }[]
  readonly policies: readonly Policy[]
  /**
   * With most, an ipBlock lists pods and nodes whose address is in it; with Cilium it never does, a pod's way to its own node is judged
   * as any other, some labels do not count (`seenLabels`), and policies may deny.
   */
  readonly plugin: Plugin
}

/** What may pass between one address of a pod and one of another pod. */
export interface PairReach {
  readonly other: Pod
  readonly ownAddress: string
  readonly otherAddress: string
  /** Ports of the other that the pod reaches. */
  readonly to: PortSet
  /** Ports of the pod that the other reaches. */
  readonly from: PortSet
}

/** Two pods between which one's own further policies may let something else pass, on its side alone. */
export interface ChangedSides extends Pick<PairReach, 'other' | 'ownAddress' | 'otherAddress'> {
  readonly egress: boolean
  readonly ingress: boolean
}

/** What one `Reach` hands to the next. */
interface Known {
  readonly around: Surroundings
  readonly index?: PolicyIndex
  readonly base?: Reach
  readonly located?: ReadonlyMap<string, Located>
}

/**
 * Who reaches whom under the NetworkPolicies of a cluster, by the API's words alone (networking.k8s.io/v1). Never changes: for what
 * would be, make another. A pod that a policy selects for a direction may do there what any policy that selects it lists, and a
 * pod that none selects may do everything; a flow passes where its source's egress and its destination's ingress allow it. What a policy
 * denies (Cilium's word, not the API's) it may not, whatever others list.
 */
export class Reach {
  readonly #located: Map<string, Located>
  readonly #index: PolicyIndex
  readonly #around: Surroundings
  /** Whose policies hold as well. */
  readonly #base: Reach | null
  /** Of the pods that were asked about. */
  readonly #isolating = new Map<Pod, Readonly<Record<Direction, Isolation>>>()

  /** Throws NOT_FOUND where a pod's namespace is not among the namespaces: nobody knows its labels. `known`: what is there already of another. */
  constructor ({ pods, namespaces, nodes, policies, plugin }: Cluster, known?: Known) {
    const around: Surroundings = known?.around ?? { namespaces: new Map(namespaces.map(({ name, labels }): [string, Labels] => [name, labels])), plugin, seen: plugin === 'most' ? (labels) => labels : seenLabels() }
    this.#around = around
    this.#located = new Map(known?.located)
    for (const { name, addresses } of nodes) for (const address of addresses) this.#located.set(address, new End(address, null, name))
    for (const pod of pods) {
      if (!around.namespaces.has(pod.namespace)) throw new AutoshieldError('NOT_FOUND', `Pod ${pod.namespace}/${pod.name}: its namespace is not listed, so no policy can be judged for it: list the namespaces again.`)
      if (pod.hostNetwork !== true) for (const address of pod.addresses) this.#located.set(address, new End(address, pod, null))
    }
    this.#base = known?.base ?? null
    this.#index = known?.index ?? new PolicyIndex(policies.map((policy) => compilePolicy(policy, around)))
  }

  /** The same with some pods in another form, at the same addresses, and with further policies. */
  changed (pods: ReadonlyMap<Pod, Pod>, policies: readonly Policy[]): Reach {
    const { plugin } = this.#around
    return new Reach({ pods: [...pods.values()], namespaces: [], nodes: [], policies, plugin }, { around: this.#around, base: this, located: this.#located })
  }

  /** The same policies among other pods and nodes. */
  among ({ pods, nodes }: Pick<Cluster, 'pods' | 'nodes'>): Reach {
    const { plugin } = this.#around
    return new Reach({ pods, namespaces: [], nodes, policies: [], plugin }, { around: this.#around, index: this.#index })
  }

  /** Whether some policy asks for this label, of pods that it selects or of peers. */
  asksFor (key: string): boolean {
    return this.#index.asksFor(key) || (this.#base !== null && this.#base.asksFor(key))
  }

  /** Throws BAD_DATA for what is no address. */
  verdict ({ source, destination, protocol, port }: Flow): FlowVerdict {
    const [from, to] = [this.#locate(source), this.#locate(destination)]
    const side = (direction: Direction, own: Located, other: Located): SideVerdict => {
      const asked = this.#askedOf(direction, own, other)
      if (typeof asked === 'string') return { allowed: true, reason: asked, policies: [] }
      const lists = listsEnd(other)
      const has = (rule: CompiledRule): boolean => hasPort(rule.ports(to), protocol, port) && lists(rule)
      const denying = asked.denying.filter(({ deny }) => deny[direction].some(has))
      if (denying.length > 0) return { allowed: false, reason: 'Denied', policies: keysOf(denying) }
      if (asked.policies.length === 0) return { allowed: true, reason: 'NotIsolated', policies: [] }
      const listing = asked.policies.filter((policy) => policy[direction]?.some(has))
      return listing.length > 0
        ? { allowed: true, reason: 'Listed', policies: keysOf(listing) }
        : { allowed: false, reason: 'NotListed', policies: keysOf(asked.policies) }
    }
    const [egress, ingress] = [side('egress', from, to), side('ingress', to, from)]
    return { allowed: egress.allowed && ingress.allowed, egress, ingress }
  }

  /** All ports of the destination that the source reaches. Throws BAD_DATA for what is no address. */
  ports (source: string, destination: string): PortSet {
    const [from, to] = [this.#locate(source), this.#locate(destination)]
    return intersection(this.#sidePorts('egress', from, to, listsEnd(to), to), this.#sidePorts('ingress', to, from, listsEnd(from), to))
  }

  /** What passes between a pod and each other one; addresses of one family are paired. */
  pairsOf (pod: Pod): PairReach[] {
    return pod.addresses.flatMap((address) => {
      const own = this.#locate(address)
      if (own.pod !== pod) return []
      // The rules of all others are asked about this one end.
      const listsOwn = remembered(listsEnd(own))
      return [...this.#located.values()].flatMap((other): PairReach[] => {
        if (other.pod === null || other.pod === pod || isIpv6(other) !== isIpv6(own)) return []
        const listsOther = listsEnd(other)
        return [{
          other: other.pod,
          ownAddress: own.address,
          otherAddress: other.address,
          to: intersection(this.#sidePorts('egress', own, other, listsOther, other), this.#sidePorts('ingress', other, own, listsOwn, other)),
          from: intersection(this.#sidePorts('ingress', own, other, listsOther, own), this.#sidePorts('egress', other, own, listsOwn, own)),
        }]
      })
    })
  }

  /** Pairs of the pod on which the policies that `changed` added may have changed something by selecting it; `was`: the pod before. */
  * changedSides (was: Pod, is: Pod): Generator<ChangedSides> {
    const selecting = this.#index.selecting(is)
    const ways = DIRECTIONS.map((direction) => ({ direction, further: isolation(direction, selecting) }))
      .filter(({ further }) => further.policies.length + further.denying.length > 0)
      .map((way) => ({ ...way, before: (this.#base ?? this).#isolationOf(way.direction, was) }))
    if (ways.length === 0) return
    for (const own of is.addresses.map((address) => this.#locate(address))) {
      if (own.pod !== is) continue
      for (const other of this.#located.values()) {
        if (other.pod === null || other.pod === is || isIpv6(other) !== isIpv6(own)) continue
        const lists = listsEnd(other)
        const changes = (asked: Direction): boolean => ways.some(({ direction, before, further }) => direction === asked && mayChange(asked, before, further, lists, asked === 'egress' ? other : own))
        const [egress, ingress] = [changes('egress'), changes('ingress')]
        if (egress || ingress) yield { other: other.pod, ownAddress: own.address, otherAddress: other.address, egress, ingress }
      }
    }
  }

  /** Whether the address is no pod's and that of no node which policies take otherwise, so that they speak of it by blocks alone. */
  isOutside (pod: Pod, words: Int32Array): boolean {
    const known = this.#located.get(addressText(words, 0))
    return known === undefined || (known.pod === null && known.node !== pod.node && this.#around.plugin === 'most')
  }

  /** Addresses that stand for all nodes, where blocks do not: those of the pod's own and one other of each family. */
  nodesApart (pod: Pod): string[] {
    if (this.#around.plugin === 'most') return []
    const nodes = [...this.#located.values()].filter(({ node }) => node !== null)
    const others = nodes.filter(({ node }) => node !== pod.node)
    return [...nodes.filter(({ node }) => node === pod.node), ...[true, false].flatMap((family) => others.find((end) => isIpv6(end) === family) ?? [])].map(({ address }) => address)
  }

  /** What the pod's policies let pass to and from an address outside. */
  outside (pod: Pod, words: Int32Array): Pick<PairReach, 'to' | 'from'> {
    const own: Located = { address: '', words, pod, node: null }
    const other: Located = { address: '', words, pod: null, node: null }
    return { to: this.#sidePorts('egress', own, other, listsEnd(other), other), from: this.#sidePorts('ingress', own, other, listsEnd(other), own) }
  }

  /** The policies that isolate the pod of an address for one direction, `NAMESPACE/NAME`. */
  isolating (direction: Direction, address: string): string[] {
    const { pod } = this.#locate(address)
    return pod === null ? [] : keysOf(this.#isolationOf(direction, pod).policies)
  }

  /** Every block of addresses that a policy names which isolates the pod or denies it something. */
  blocksOf (pod: Pod): AddressBlock[] {
    return DIRECTIONS.map((direction) => this.#isolationOf(direction, pod)).flatMap(({ policies, denying }) => [...policies, ...denying])
      .flatMap(({ policy: { ingress, egress, deny } }) => [...ingress ?? [], ...egress ?? [], ...deny?.ingress ?? [], ...deny?.egress ?? []])
      .flatMap(({ peers }) => peers === 'everybody' ? [] : peers).flatMap((peer) => peer.kind === 'block' ? [peer.block, ...peer.except] : [])
  }

  #sidePorts (direction: Direction, own: Located, other: Located, lists: (rule: CompiledRule) => boolean, destination: Located): PortSet {
    const asked = this.#askedOf(direction, own, other)
    return typeof asked === 'string' ? ALL_PORTS : portsBy(direction, asked, lists, destination)
  }

  /** What is asked, or why nothing is. */
  #askedOf (direction: Direction, { pod }: Located, other: Located): Isolation | FreeReason {
    if (pod === null) return 'NoPod'
    if (other.pod === pod) return 'Itself'
    if (other.node === pod.node && (this.#around.plugin === 'most' || direction === 'ingress')) return 'OwnNode'
    return this.#isolationOf(direction, pod)
  }

  #isolationOf (direction: Direction, pod: Pod): Isolation {
    let isolating = this.#isolating.get(pod)
    if (isolating === undefined) {
      const selecting = this.#index.selecting(pod)
      const side = (way: Direction): Isolation => this.#base === null ? isolation(way, selecting) : both(this.#base.#isolationOf(way, pod), isolation(way, selecting))
      this.#isolating.set(pod, isolating = { ingress: side('ingress'), egress: side('egress') })
    }
    return isolating[direction]
  }

  #locate (address: string): Located {
    const known = this.#located.get(address)
    if (known !== undefined) return known
    const words = wordsOf(address)
    const canonical = addressText(words, 0)
    return this.#located.get(canonical) ?? { address: canonical, words, pod: null, node: null }
  }
}

const listsEnd = (end: Located) => ({ peers }: CompiledRule): boolean => peers.some((peer: PeerTest) => peer(end))

const keysOf = (policies: readonly CompiledPolicy[]): string[] => policies.map(({ key }) => key).sort()

function remembered (ask: (rule: CompiledRule) => boolean): (rule: CompiledRule) => boolean {
  const answers = new Map<CompiledRule, boolean>()
  return (rule) => {
    let answer = answers.get(rule)
    if (answer === undefined) answers.set(rule, answer = ask(rule))
    return answer
  }
}
