import { count, percent } from '../../explain/amount.ts'
import { breadthOf, TRIED } from '../amounts.ts'
import { contextOf, destinationOf, peakOf, sourceOf } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'
import { standingOf } from '../known-for.ts'

/** Strength by what was tried. A client opens a handful of ports of one host; discovery and polling try many hosts, of which some are gone. */
const DOORS = {
  pair: [[15, 1], [8, 0.1]],
  'fan-out': [[30, 1], [15, 0.25]],
} as const
/** A scraper whose targets are gone tries what it used to use. */
const AS_USUAL = -0.5
/** Conversations on one pair without port, each of another protocol or kind. */
const MANY_PROTOCOLS = 50

export const BREADTH: EvidenceKind = {
  name: 'breadth',
  looksAt: 'distinct ports of a host, of which half failed, or ports and hosts of a source, of which seven in ten failed, or where nothing was said: 15 ports of one host or 30 of many count in full, 8 a tenth, 15 of many a quarter; or 50 conversations in protocols without ports that failed; against by half, where the key used as many in four different hours and was answered',
  weights: { PORT_SCAN: 3 },
  find: (facts): Finding | null => {
    const { kind } = facts.score.key
    if (kind === 'fan-in') return null
    const breadth = breadthOf(facts)
    if (breadth?.tried !== true) return null
    const { ports: doors, failed } = breadth
    const protocols = failed >= TRIED.pair && contextOf(facts, 'share_tcp') + contextOf(facts, 'share_udp') < 0.1 && kind === 'pair' ? peakOf(facts, 'flow_count') : 0
    const strength = protocols >= MANY_PROTOCOLS ? 1 : DOORS[kind].find(([least]) => doors >= least)?.[1]
    if (strength === undefined) return null
    const tried = protocols < MANY_PROTOCOLS ? count(doors, kind === 'pair' ? 'port' : 'port of hosts', kind === 'pair' ? 'ports' : 'ports of hosts') : count(protocols, 'protocol')
    const how = failed >= TRIED[kind] ? `${percent(Math.min(failed, 1))} failed` : 'next to nothing was said'
    const sentence = `${sourceOf(facts)} tried ${tried} of ${destinationOf(facts)}, where ${how}`
    const isUsual = protocols < MANY_PROTOCOLS && standingOf('breadth', doors, facts.usual('breadth')) === 'usual'
    return isUsual ? { strength: AS_USUAL, sentence: `${sentence}; it usually uses as many` } : { strength, sentence }
  },
}
