import type { Limit } from '../src/core/mitigation/mitigation.ts'
import type { SynLimit } from '../src/wire/chain-name.ts'
import type { PeerRestrictions, Restriction } from './restriction.ts'

/** What comes in over time, and how much of it at once. */
export interface Rate {
  readonly rate: number
  readonly burst: number
}

/** A rate that counts together on all ports that it was asked for on. */
export interface SharedRate extends Rate {
  readonly ports: Restriction['ports']
}

/** What one filter chain does, after everything that is asked for on its connections is put together. */
export interface ChainMeasures {
  /** Closed at once, nothing upstream; limits do not matter then. */
  readonly deny: boolean
  /** Only where requests are seen. */
  readonly requestsPerSecond: Rate | null
  readonly connectionsPerSecond: SharedRate | null
  readonly connections: number | null
  /** Envoy's unit: 1024 bytes a second. */
  readonly kibPerSecond: number | null
  /** Something is only counted here. */
  readonly shadow: boolean
  /** Requests beyond it are counted and let through; only where requests are seen. */
  readonly shadowRequestsPerSecond: Rate | null
}

/** Whether requests are seen on a port, or only bytes. */
export type Layer = 'http' | 'tcp'

/** Envoy refuses two chains with one match, so all that concerns a peer is merged: deny before limits, of each limit the lowest. */
export function mergeRestrictions (restrictions: readonly Restriction[], layer: Layer): ChainMeasures {
  const enforced = limitsOf(restrictions.filter(({ enforce }) => enforce))
  const shadowed = limitsOf(restrictions.filter(({ enforce }) => !enforce))
  const bytes = lowest(enforced, 'bytes/s', 'value')
  const connections = lowest(enforced, 'connections', 'value')
  const requests = (limits: readonly Limit[]): Rate | null => layer === 'http' ? rateOf(limits, 'requests/s') : null
  return {
    deny: restrictions.some(({ enforce, measure }) => enforce && measure.kind === 'deny'),
    requestsPerSecond: requests(enforced),
    connectionsPerSecond: connectionRateOf(restrictions, enforced),
    connections: connections === null ? null : Math.floor(connections),
    kibPerSecond: bytes === null ? null : Math.floor(bytes / 1024),
    shadow: restrictions.some(({ enforce, measure }) => !enforce && (measure.kind === 'deny' || (measure.kind === 'limit' && measure.limit.unit !== 'requests/s'))),
    shadowRequestsPerSecond: requests(shadowed),
  }
}

const limitsOf = (restrictions: readonly Restriction[]): Limit[] => restrictions.flatMap(({ measure }) => measure.kind === 'limit' ? [measure.limit] : [])

function lowest (limits: readonly Limit[], unit: Limit['unit'], of: 'value' | 'burst'): number | null {
  const values = limits.filter((limit) => limit.unit === unit).map((limit) => limit[of])
  return values.length === 0 ? null : Math.min(...values)
}

function rateOf (limits: readonly Limit[], unit: Limit['unit']): Rate | null {
  const rate = lowest(limits, unit, 'value')
  return rate === null ? null : { rate, burst: lowest(limits, unit, 'burst') ?? rate }
}

/** Of the limits of `restrictions` that are enforced; a port counts with those that the lowest of them name. */
function connectionRateOf (restrictions: readonly Restriction[], enforced: readonly Limit[]): SharedRate | null {
  const rate = rateOf(enforced, 'connections/s')
  if (rate === null) return null
  const asking = restrictions.filter(({ enforce, measure }) => enforce && measure.kind === 'limit' && measure.limit.unit === 'connections/s' && measure.limit.value === rate.rate)
  return { ...rate, ports: portsOf(asking) }
}

/** What each set of ports is asked to hold for all sources together, of which nothing is only counted. */
export function synLimitsOf (everybody: readonly Restriction[]): SynLimit[] {
  const byPorts = Map.groupBy(everybody.filter(({ enforce }) => enforce), ({ ports }) => String(ports))
  return [...byPorts.values()].flatMap((asking) => {
    const limit = rateOf(limitsOf(asking), 'connections/s')
    return limit === null ? [] : [{ ...limit, ports: portsOf(asking) }]
  })
}

/** Those of all of them together. */
function portsOf (restrictions: readonly Restriction[]): Restriction['ports'] {
  const named = new Set<number>()
  for (const { ports } of restrictions) {
    if (ports === 'any') return 'any'
    for (const port of ports) named.add(port)
  }
  return [...named].sort((one, other) => one - other)
}

/** A peer's own chain, on one port or on all that no other chain of the listener names. */
export interface PeerChain {
  readonly side: 'source' | 'destination'
  /** Address of the other end. */
  readonly peer: string
  readonly port: number | null
  readonly layer: Layer
  readonly measures: ChainMeasures
}

/** The stats of a peer's chain; dots and colons would cut a stat's name apart. */
export const statPrefixOf = ({ side, peer, port }: Pick<PeerChain, 'side' | 'peer' | 'port'>): string =>
  `${side}_${peer.replaceAll(/[.:]/g, '_')}${port === null ? '' : `_port_${port}`}`

/** What a proxy of TCP cannot do on a port, it does not promise there. */
export const isCarried = ({ measure }: Restriction, layer: Layer): boolean => layer === 'http' || measure.kind !== 'limit' || measure.limit.unit !== 'requests/s'

/**
 * The chains of a listener that takes connections to any port. Envoy picks by destination port first and does not go back
 * (FilterChainManagerImpl::findFilterChain): once one chain names a port, a chain without a port is not looked at for that
 * port any more. So each peer that is restricted on every port gets a chain for every port that any chain names.
 */
export function chainsForAnyPort (side: PeerChain['side'], peers: PeerRestrictions, httpPorts: readonly number[]): PeerChain[] {
  const restricted = [...peers.values()].flat().flatMap(({ ports }) => ports === 'any' ? [] : ports)
  const ports = [null, ...[...new Set([...restricted, ...httpPorts])].sort((one, other) => one - other)]
  const layerOf = (port: number | null): Layer => port !== null && httpPorts.includes(port) ? 'http' : 'tcp'
  return [...peers].flatMap(([peer, restrictions]) => ports.flatMap((port) => chainsOf(side, peer, restrictions, port, layerOf(port))))
}

/** The chains of a listener that stands for one port of the application. */
export function chainsForPort (sources: PeerRestrictions, port: number, layer: Layer): PeerChain[] {
  return [...sources].flatMap(([source, restrictions]) => chainsOf('source', source, restrictions, port, layer).map((chain) => ({ ...chain, port: null })))
}

function chainsOf (side: PeerChain['side'], peer: string, restrictions: readonly Restriction[], port: number | null, layer: Layer): PeerChain[] {
  const here = restrictions.filter((restriction) => isCarried(restriction, layer) && (restriction.ports === 'any' || (port !== null && restriction.ports.includes(port))))
  return here.length === 0 ? [] : [{ side, peer, port, layer, measures: mergeRestrictions(here, layer) }]
}

/** Those that ask for requests/s and meet no port where requests are seen, or not on all that they name. */
export function uncarried (peers: PeerRestrictions, httpPorts: readonly number[]): { readonly mitigation: string, readonly message: string, readonly wholly: boolean }[] {
  return [...peers.values()].flat().filter((restriction) => !isCarried(restriction, 'tcp')).flatMap(({ mitigation, ports }) => {
    const met = ports === 'any' ? httpPorts : ports.filter((port) => httpPorts.includes(port))
    if (ports !== 'any' && met.length === ports.length) return []
    const message = met.length === 0
      ? 'requests/s needs a port that is declared to speak HTTP (autoshield.dev/http-ports): on others a proxy sees connections, so limit connections/s or bytes/s'
      : `requests/s holds on the declared HTTP ports alone: ${met.join(', ')}`
    return [{ mitigation, message, wholly: met.length === 0 }]
  })
}
