import { count, percent } from '../../explain/amount.ts'
import { contextOf, destinationOf, peakOf, sourceOf, sumOf, type Facts } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'

/** Strength by what was tried. A client opens a handful of ports of one host; discovery and polling try many hosts, of which some are gone. */
const DOORS = {
  pair: { steps: [[15, 1], [8, 0.1]], failed: 0.5 },
  'fan-out': { steps: [[30, 1], [15, 0.25]], failed: 0.7 },
} as const
/** Payload of both sides per flow, below which nothing was said: a handshake and a banner at most. */
const SAID_BYTES = 20
/** Conversations on one pair without port, each of another protocol or kind. */
const MANY_PROTOCOLS = 50

export const BREADTH: EvidenceKind = {
  name: 'breadth',
  looksAt: 'distinct ports of a host, of which half failed, or ports and hosts of a source, of which seven in ten failed, or where nothing was said: 15 ports of one host or 30 of many count in full, 8 a tenth, 15 of many a quarter; or 50 conversations in protocols without ports that failed',
  weights: { PORT_SCAN: 3 },
  find: (facts): Finding | null => {
    const { kind } = facts.score.key
    if (kind === 'fan-in') return null
    const flows = sumOf(facts, 'flow_count')
    const failed = Math.max(contextOf(facts, 'unanswered') / Math.max(contextOf(facts, 'packets_sent'), 1), failedShare(facts))
    const said = (sumOf(facts, 'bytes_sent') + sumOf(facts, 'bytes_received')) / Math.max(flows, 1)
    if (failed < DOORS[kind].failed && said > SAID_BYTES) return null
    const doors = contextOf(facts, 'distinct_ports')
    const protocols = failed >= DOORS.pair.failed && contextOf(facts, 'share_tcp') + contextOf(facts, 'share_udp') < 0.1 && kind === 'pair' ? peakOf(facts, 'flow_count') : 0
    const strength = protocols >= MANY_PROTOCOLS ? 1 : DOORS[kind].steps.find(([least]) => doors >= least)?.[1]
    if (strength === undefined) return null
    const tried = protocols < MANY_PROTOCOLS ? count(doors, kind === 'pair' ? 'port' : 'port of hosts', kind === 'pair' ? 'ports' : 'ports of hosts') : count(protocols, 'protocol')
    const how = failed >= DOORS[kind].failed ? `${percent(Math.min(failed, 1))} failed` : 'next to nothing was said'
    return { strength, sentence: `${sourceOf(facts)} tried ${tried} of ${destinationOf(facts)}, where ${how}` }
  },
}

/** Mean of the failed share over windows, by their flows. */
function failedShare ({ score: { tensor } }: Facts): number {
  let [failed, flows] = [0, 0]
  for (let row = 0; row < tensor.length; row += 12) {
    const own = tensor[row] ?? 0
    flows += own
    failed += own * (tensor[row + 10] ?? 0)
  }
  return flows === 0 ? (tensor.at(-2) ?? 0) : failed / flows
}
