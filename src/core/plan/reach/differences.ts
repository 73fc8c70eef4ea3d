import { addressText } from '../../flow/address.ts'
import type { Pod } from '../../pod.ts'
import { representatives } from './address-block.ts'
import { difference, portRanges, type PortRange, type PortSet } from './port-set.ts'
import type { Reach } from './reach.ts'

/** Ports that one end reaches at the other under one set of policies and not under another. */
export interface Change {
  /** `NAMESPACE/NAME (ADDRESS)` of a pod; `outside (ADDRESS)` stands for all addresses outside that the policies take alike. */
  readonly source: string
  readonly destination: string
  readonly ports: readonly PortRange[]
}

/** The first of them, and how many there are. */
export interface Changes { readonly listed: readonly Change[], readonly total: number }

const MAX_LISTED = 100

/** What is reached after and not before, and before and not after, by these pods and at them; `was` and `is` are one pod's two forms. */
export function differences (before: Reach, after: Reach, touched: readonly { readonly was: Pod, readonly is: Pod }[]): { opens: Changes, cuts: Changes } {
  // A pair of two touched pods is met twice.
  const [opens, cuts] = [new Map<string, Change>(), new Map<string, Change>()]
  const note = (source: string, destination: string, was: PortSet, is: PortSet): void => {
    for (const [found, ports] of [[opens, difference(is, was)], [cuts, difference(was, is)]] as const) {
      if (ports.length > 0) found.set(`${source}>${destination}`, { source, destination, ports: portRanges(ports) })
    }
  }
  for (const { was, is } of touched) {
    if (is.hostNetwork === true) continue
    const pairs = before.pairsOf(was)
    for (const [at, { other, ownAddress, otherAddress, to, from }] of after.pairsOf(is).entries()) {
      const [own, far, then] = [endName(is, ownAddress), endName(other, otherAddress), pairs[at]]
      if (then === undefined) continue
      note(own, far, then.to, to)
      note(far, own, then.from, from)
    }
    for (const words of representatives([...before.blocksOf(was), ...after.blocksOf(is)], (one) => !after.isOutside(is, one))) {
      const text = addressText(words, 0)
      const address = is.addresses.find((one) => one.includes(':') === text.includes(':'))
      if (address === undefined) continue
      const [own, far, then, now] = [endName(is, address), `outside (${text})`, before.outside(was, words), after.outside(is, words)]
      note(own, far, then.to, now.to)
      note(far, own, then.from, now.from)
    }
  }
  const changes = (found: ReadonlyMap<string, Change>): Changes => ({ listed: [...found.values()].slice(0, MAX_LISTED), total: found.size })
  return { opens: changes(opens), cuts: changes(cuts) }
}

const endName = ({ namespace, name }: Pod, address: string): string => `${namespace}/${name} (${address})`
