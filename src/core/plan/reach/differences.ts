import { addressText } from '../../flow/address.ts'
import type { Pod } from '../../pod.ts'
import { representatives } from './address-block.ts'
import { difference, portRanges, type PortRange, type PortSet } from './port-set.ts'
import type { PairReach, Reach } from './reach.ts'

/** Ports that one end reaches at the other under one set of policies and not under another. */
export interface Change {
  /**
   * `NAMESPACE/NAME (ADDRESS)` of a pod; `outside (ADDRESS)` stands for all addresses outside that the policies take alike, `node (ADDRESS)`
   * for a pod's own node or for all others.
   */
  readonly source: string
  readonly destination: string
  readonly ports: readonly PortRange[]
}

/** The first of them, and how many were found: of what would be opened no more are looked for beyond those that are listed. */
export interface Changes { readonly listed: readonly Change[], readonly total: number }

const MAX_LISTED = 100

/** A pod that policies or labels of a plan touch: its forms before and after. */
export interface Touched {
  readonly was: Pod
  readonly is: Pod
  /** `labels`: others' policies may take it for another, so every pair is judged anew; `policies`: only its own policies are others. */
  readonly by: 'labels' | 'policies'
}

/** What is reached after and not before, and before and not after, by these pods and at them. */
export function differences (before: Reach, after: Reach, touched: readonly Touched[]): { opens: Changes, cuts: Changes } {
  // A pair of two touched pods is met twice.
  const [opens, cuts] = [new Map<string, Change>(), new Map<string, Change>()]
  const note = (source: string, destination: string, was: PortSet, is: PortSet): void => {
    for (const [found, ports] of [[opens, difference(is, was)], [cuts, difference(was, is)]] as const) {
      if (ports.length > 0) found.set(`${source}>${destination}`, { source, destination, ports: portRanges(ports) })
    }
  }
  for (const { was, is, by } of touched) {
    if (is.hostNetwork === true) continue
    if (opens.size > MAX_LISTED) break
    for (const { other, ownAddress, otherAddress, to, from } of by === 'labels' ? changedPairs(before.pairsOf(was), after.pairsOf(is)) : changedSides(before, after, was, is)) {
      if (opens.size > MAX_LISTED) break
      const [own, far] = [endName(is, ownAddress), endName(other, otherAddress)]
      if (to !== null) note(own, far, to.was, to.is)
      if (from !== null) note(far, own, from.was, from.is)
    }
    for (const words of representatives([...before.blocksOf(was), ...after.blocksOf(is)], (one) => !after.isOutside(is, one))) {
      const text = addressText(words, 0)
      const address = is.addresses.find((one) => one.includes(':') === text.includes(':'))
      if (address === undefined) continue
      const [own, far, then, now] = [endName(is, address), `outside (${text})`, before.outside(was, words), after.outside(is, words)]
      note(own, far, then.to, now.to)
      note(far, own, then.from, now.from)
    }
    for (const node of after.nodesApart(is)) {
      const address = is.addresses.find((one) => one.includes(':') === node.includes(':'))
      if (address === undefined) continue
      const [own, far] = [endName(is, address), `node (${node})`]
      note(own, far, before.ports(address, node), after.ports(address, node))
      note(far, own, before.ports(node, address), after.ports(node, address))
    }
  }
  const changes = (found: ReadonlyMap<string, Change>): Changes => ({ listed: [...found.values()].slice(0, MAX_LISTED), total: found.size })
  return { opens: changes(opens), cuts: changes(cuts) }
}

/** A pair of which something may have changed; null: nothing in that direction. */
interface ChangedPair extends Pick<PairReach, 'other' | 'ownAddress' | 'otherAddress'> {
  readonly to: { readonly was: PortSet, readonly is: PortSet } | null
  readonly from: { readonly was: PortSet, readonly is: PortSet } | null
}

function * changedPairs (was: readonly PairReach[], is: readonly PairReach[]): Generator<ChangedPair> {
  for (const [at, { to, from, ...ends }] of is.entries()) {
    const then = was[at]
    if (then !== undefined) yield { ...ends, to: { was: then.to, is: to }, from: { was: then.from, is: from } }
  }
}

/** The other ends' policies are asked only where the pod's own may say something else than before. */
function * changedSides (before: Reach, after: Reach, was: Pod, is: Pod): Generator<ChangedPair> {
  const ways = (source: string, destination: string) => ({ was: before.ports(source, destination), is: after.ports(source, destination) })
  for (const { egress, ingress, ...ends } of after.changedSides(was, is)) {
    const { ownAddress, otherAddress } = ends
    yield { ...ends, to: egress ? ways(ownAddress, otherAddress) : null, from: ingress ? ways(otherAddress, ownAddress) : null }
  }
}

const endName = ({ namespace, name }: Pod, address: string): string => `${namespace}/${name} (${address})`
