import type { Limit } from '../src/core/mitigation/mitigation.ts'
import type { Restriction } from './restriction.ts'

/** What one filter chain does, after everything that is asked for on its connections is put together. */
export interface ChainMeasures {
  /** Closed at once, nothing upstream; limits do not matter then. */
  readonly deny: boolean
  readonly connectionsPerSecond: { readonly rate: number, readonly burst: number } | null
  readonly connections: number | null
  /** Envoy's unit: 1024 bytes a second. */
  readonly kibPerSecond: number | null
  /** Something is only counted here. */
  readonly shadow: boolean
}

/** Envoy refuses two chains with one match, so all that concerns a source is merged: deny before limits, of each limit the lowest. */
export function mergeRestrictions (restrictions: readonly Restriction[]): ChainMeasures {
  const enforced = restrictions.filter(({ enforce }) => enforce)
  const limits = enforced.flatMap(({ measure }) => measure.kind === 'limit' ? [measure.limit] : [])
  const lowest = (unit: Limit['unit'], of: 'value' | 'burst'): number | null => {
    const values = limits.filter((limit) => limit.unit === unit).map((limit) => limit[of])
    return values.length === 0 ? null : Math.min(...values)
  }
  const rate = lowest('connections/s', 'value')
  const connections = lowest('connections', 'value')
  const bytes = lowest('bytes/s', 'value')
  return {
    deny: enforced.some(({ measure }) => measure.kind === 'deny'),
    connectionsPerSecond: rate === null ? null : { rate, burst: lowest('connections/s', 'burst') ?? rate },
    connections: connections === null ? null : Math.floor(connections),
    kibPerSecond: bytes === null ? null : Math.floor(bytes / 1024),
    shadow: restrictions.some(({ enforce, measure }) => !enforce && measure.kind !== 'watch'),
  }
}

/** A source's own chain, on one port or on all that no other chain of the listener names. */
export interface SourceChain {
  readonly source: string
  readonly port: number | null
  readonly measures: ChainMeasures
}

/**
 * The chains of a listener that takes connections to any port. Envoy picks by destination port first and does not go back
 * (FilterChainManagerImpl::findFilterChain): once one chain names a port, a chain without a port is not looked at for that
 * port any more. So each source that is restricted on every port gets a chain for every port that any restriction names.
 */
export function chainsForAnyPort (sources: ReadonlyMap<string, readonly Restriction[]>): SourceChain[] {
  const named = new Set([...sources.values()].flat().flatMap(({ ports }) => ports === 'any' ? [] : ports))
  const ports = [null, ...[...named].sort((one, other) => one - other)]
  return [...sources].flatMap(([source, restrictions]) => ports.flatMap((port) => chainsOf(source, restrictions, port)))
}

/** The chains of a listener that stands for one port. */
export function chainsForPort (sources: ReadonlyMap<string, readonly Restriction[]>, port: number): SourceChain[] {
  return [...sources].flatMap(([source, restrictions]) => chainsOf(source, restrictions, port).map((chain) => ({ ...chain, port: null })))
}

function chainsOf (source: string, restrictions: readonly Restriction[], port: number | null): SourceChain[] {
  const here = restrictions.filter(({ ports }) => ports === 'any' || (port !== null && ports.includes(port)))
  return here.length === 0 ? [] : [{ source, port, measures: mergeRestrictions(here) }]
}
