import { addressText } from '../../src/core/flow/address.ts'
import { STEPS_MS } from '../../src/core/window/window.ts'
import { parseChainName } from '../../src/wire/chain-name.ts'
import type { OwnRestrictionCount } from '../../src/wire/restriction-counts.ts'
import type { ConnectionEnd } from '../connections/connection-table.ts'
import type { ProxyEntry } from './proxy-entry.ts'

type Count = { -readonly [Name in keyof OwnRestrictionCount]: OwnRestrictionCount[Name] }

const STEP_MS = STEPS_MS[0]
/** Pairs, ports and steps that are counted between two drains. */
const MAX_COUNTS = 4_096
/** Open connections in chains of restricted sources that are counted before they are over; those above count at their end. */
const MAX_OPEN = 16_384
/** Drains, 500 ms apart, without a word of an open connection, which is told of each 500 ms, until its end must have been lost. */
const FORGET_DRAINS = 120

/**
 * What the proxy did with the attempts of those who have a filter chain of their own, from its log. A connection counts once: when it is
 * over, or when it has been open for some time and may go on for long (by then a restriction in shadow has had its first bytes). It counts
 * in the step in which it began. In everybody's chain on a port where requests are seen, routes stop requests on connections that were
 * open before. Requests count when they are over, in place of the connections that they come on.
 */
export class RestrictionTally {
  /** Attempts for which there was no room. */
  dropped = 0
  readonly #counts = new Map<string, Count>()
  /** Open connections that are counted, by the drain before which they were last told of; in this order. */
  readonly #open = new Map<string, number>()
  #drains = 0

  take (entry: ProxyEntry): void {
    const chain = parseChainName(entry.chain)
    if (chain?.kind !== 'peer' && !isStoppedByRoute(entry)) return
    if (!this.#isFirst(entry)) return
    const count = this.#countOf(entry, chain === null || chain.kind === 'syn-limit' ? entry.port : chain.port ?? entry.port)
    if (count === null) {
      this.dropped++
      return
    }
    count.attempts++
    if (entry.fate === 'denied') count.denied++
    else if (entry.fate === 'limited') count.limited++
    else count.passed++
    if (entry.shadowed && entry.fate !== 'denied' && entry.fate !== 'limited') count.shadowed++
  }

  /** What was counted since the last call. */
  drain (): readonly OwnRestrictionCount[] {
    const counts = [...this.#counts.values()]
    this.#counts.clear()
    this.#forget()
    return counts
  }

  #isFirst ({ kind, fate, reached, cookie, startMs }: ProxyEntry): boolean {
    const connection = `${cookie} ${startMs}` // Envoy numbers anew when it starts anew
    switch (kind) {
      case 'begun':
      case 'requesting': return false
      case 'request': return true
      case 'ended': return !this.#open.delete(connection) && (reached || fate !== 'passed')
      case 'going': {
        const known = this.#open.delete(connection)
        if (this.#open.size >= MAX_OPEN) return false
        this.#open.set(connection, this.#drains)
        return !known
      }
    }
  }

  #forget (): void {
    this.#drains++
    for (const [connection, drain] of this.#open) {
      if (drain > this.#drains - FORGET_DRAINS) return
      this.#open.delete(connection)
    }
  }

  #countOf ({ kind, peer, local, startMs }: ProxyEntry, port: number | null): Count | null {
    const source = textOf(peer)
    const destination = textOf(local)
    const unit = kind === 'request' ? 'requests' : 'connections'
    const atMs = Math.floor(startMs / STEP_MS) * STEP_MS
    const key = `${source} ${destination} ${port ?? ''} ${unit} ${atMs}`
    const known = this.#counts.get(key)
    if (known !== undefined) return known
    if (this.#counts.size >= MAX_COUNTS) return null
    const count: Count = { source, destination, port, unit, atMs, attempts: 0, denied: 0, limited: 0, passed: 0, shadowed: 0 }
    this.#counts.set(key, count)
    return count
  }
}

/** What passes in everybody's chain is everybody's: of a restricted source only what was stopped can be told there. */
const isStoppedByRoute = ({ kind, fate, shadowed }: ProxyEntry): boolean => kind === 'request' && (fate === 'denied' || fate === 'limited' || shadowed)

const textOf = ({ address }: ConnectionEnd): string => address === null ? '::' : addressText(address, 0)
