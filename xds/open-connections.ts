import { isDeepStrictEqual } from 'node:util'
import { MEANS, type Means, type OpenConnections } from '../src/core/mitigation/open-connections.ts'
import { isCarried, mergeRestrictions, type Layer, type PeerChain } from './chain-measures.ts'
import { httpPortsOf, type ProxySpec } from './proxy-spec.ts'
import { restrictionsOf, type Duty, type PeerRestrictions, type Restriction } from './restriction.ts'

/** One listener, or all that stand before single ports, as far as the choice of a connection's chain goes. */
interface Place {
  readonly side: PeerChain['side']
  readonly peers: PeerRestrictions
  /** Of a listener that takes every port, null: any but those that chains name. */
  readonly ports: readonly (number | null)[]
  readonly httpPorts: readonly number[]
}

interface Chain {
  readonly key: number | null
  readonly layer: Layer
  readonly restrictions: readonly Restriction[]
  readonly since: string
}

/** A port, and what becomes of what was open there. */
interface Fate { readonly port: number | null, readonly means: Means, readonly since: string }

/**
 * What becomes of the connections that a restricted source had open when its restriction came, by mitigation that enforces; the
 * first row that fits. Depends on the duties and their age alone, so that every replica says the same. A chain counts as
 * one that was there before if a mitigation in force that is older asked for it.
 *
 *     port declared HTTP, and the measure is of requests (deny, requests/s)         | route
 *     deny before a redirect, or on the way out, and a keeper that may              | sockets
 *       (not of single ports before a redirect that hides the clients' addresses)   |
 *     the source had a chain of its own for it, which changes or says the same      | chain
 *     else                                                                          | none
 */
export function openConnectionsOf (spec: Omit<ProxySpec, 'podUid'>, duties: readonly Duty[], clientsKept: boolean): Readonly<Record<string, readonly OpenConnections[]>> {
  const born = new Map(duties.map(({ mitigation: { metadata } }) => [metadata.name, metadata.creationTimestamp]))
  const fates = new Map<string, Map<number | null, Fate>>()
  for (const place of placesOf(spec, duties)) {
    const history = new History(place, born)
    for (const [peer, restrictions] of place.peers) {
      for (const restriction of restrictions.filter(({ enforce, measure }) => enforce && measure.kind !== 'watch')) {
        const its = fates.get(restriction.mitigation) ?? new Map<number | null, Fate>()
        for (const fate of fatesOf(areCut(spec, place.side, restriction, clientsKept), place, history, peer, restriction)) its.set(fate.port, weaker(its.get(fate.port), fate))
        fates.set(restriction.mitigation, its)
      }
    }
  }
  const whole = new Set(duties.filter(({ mitigation }) => mitigation.spec.ports === 'any').map(({ mitigation }) => mitigation.metadata.name))
  return Object.fromEntries([...fates].map(([name, its]) => [name, grouped([...its.values()], whole.has(name))]))
}

function placesOf (spec: Omit<ProxySpec, 'podUid'>, duties: readonly Duty[]): readonly Place[] {
  const { inbound, outbound } = restrictionsOf(duties)
  const named = (peers: PeerRestrictions): number[] => [...peers.values()].flat().flatMap(({ ports }) => ports === 'any' ? [] : ports)
  const httpPorts = httpPortsOf(spec)
  const ports = spec.inbound.mode === 'redirect' ? [null, ...new Set([...httpPorts, ...named(inbound)])] : spec.inbound.ports.map(({ listen }) => listen.port)
  const incoming: Place = { side: 'source', peers: inbound, ports, httpPorts }
  return spec.outbound == null ? [incoming] : [incoming, { side: 'destination', peers: outbound, ports: [null, ...new Set(named(outbound))], httpPorts: [] }]
}

/** Which chain a connection to a port was given, as of any time. */
class History {
  readonly #place: Place
  readonly #born: ReadonlyMap<string, string>
  /** When a chain first named a port. */
  readonly #namedSince: ReadonlyMap<number, string>

  constructor (place: Place, born: ReadonlyMap<string, string>) {
    this.#place = place
    this.#born = born
    const since = new Map<number, string>()
    for (const { mitigation, ports } of [...place.peers.values()].flat()) {
      for (const port of ports === 'any' ? [] : ports) since.set(port, earlier(since.get(port), this.bornAt(mitigation)))
    }
    // Named from the beginning: declared ports, and those that have a listener of their own.
    const always = [...place.httpPorts, ...place.ports.includes(null) ? [] : place.ports.flatMap((port) => port ?? [])]
    this.#namedSince = new Map([...since, ...always.map((port) => [port, ''] as const)])
  }

  bornAt (mitigation: string): string {
    return this.#born.get(mitigation) ?? ''
  }

  /** With what was asked for before `until`, or up to it. Null: the chain of everybody. */
  chain (peer: string, port: number | null, until: string, inclusive: boolean): Chain | null {
    const was = (at: string): boolean => inclusive ? at <= until : at < until
    const namedSince = port === null ? undefined : this.#namedSince.get(port)
    const key = namedSince !== undefined && was(namedSince) ? port : null
    const layer: Layer = key !== null && this.#place.httpPorts.includes(key) ? 'http' : 'tcp'
    const restrictions = (this.#place.peers.get(peer) ?? []).filter((each) => was(this.bornAt(each.mitigation)) && isCarried(each, layer) && (each.ports === 'any' || (key !== null && each.ports.includes(key))))
    if (restrictions.length === 0) return null
    const first = restrictions.map(({ mitigation }) => this.bornAt(mitigation)).reduce(earlier)
    return { key, layer, restrictions, since: key !== null && namedSince !== undefined && namedSince > first ? namedSince : first }
  }
}

const earlier = (one: string | undefined, other: string): string => one === undefined || other < one ? other : one

function fatesOf (cutsSockets: boolean, { ports, httpPorts }: Place, history: History, peer: string, restriction: Restriction): readonly Fate[] {
  const at = history.bornAt(restriction.mitigation)
  const concerned = ports.filter((port) => restriction.ports === 'any' || (port !== null && restriction.ports.includes(port)))
  return concerned.flatMap((port): Fate[] => {
    const layer: Layer = port !== null && httpPorts.includes(port) ? 'http' : 'tcp'
    if (!isCarried(restriction, layer)) return []
    const { measure } = restriction
    if (layer === 'http' && (measure.kind === 'deny' || (measure.kind === 'limit' && measure.limit.unit === 'requests/s'))) return [{ port, means: 'route', since: '' }]
    if (measure.kind === 'deny' && cutsSockets) return [{ port, means: 'sockets', since: '' }]
    const before = history.chain(peer, port, at, false)
    return [before !== null && endsWith(before, peer, at, history) ? { port, means: 'chain', since: before.since } : { port, means: 'none', since: '' }]
  })
}

/** Behind a redirect the proxy's socket does not tell which port its client meant, and the application's tells its client only where that is kept (sidecar/proxy/socket-cutter.ts). */
const areCut = ({ inbound, cutsSockets = false }: Omit<ProxySpec, 'podUid'>, side: PeerChain['side'], { ports }: Restriction, clientsKept: boolean): boolean =>
  cutsSockets && (side === 'destination' || (inbound.mode === 'redirect' && (ports === 'any' || clientsKept)))

/** A chain that changes ends what is in it; one that does what the restriction asks for already goes on doing it. */
function endsWith (before: Chain, peer: string, at: string, history: History): boolean {
  const after = history.chain(peer, before.key, at, true)
  const [old, now] = [before, after].map((chain) => chain === null ? null : mergeRestrictions(chain.restrictions, chain.layer))
  if (!isDeepStrictEqual(old, now)) return true
  return after !== null && after.restrictions.some(({ mitigation }) => history.bornAt(mitigation) === at)
}

/** For what holds of several addresses at once: the least that is true of all. */
const weaker = (one: Fate | undefined, other: Fate): Fate => one === undefined || MEANS.indexOf(other.means) > MEANS.indexOf(one.means) || (other.means === one.means && other.since > one.since) ? other : one

/** `whole`: they stand for every port that there is. */
function grouped (fates: readonly Fate[], whole: boolean): readonly OpenConnections[] {
  const groups = [...Map.groupBy(fates, ({ means, since }) => `${means} ${since}`).values()]
  return groups.map((group): OpenConnections => {
    const [{ means, since } = { means: 'none' as const, since: '' }] = group
    const ports = group.flatMap(({ port }) => port ?? []).sort((one, other) => one - other)
    const all = group.length > ports.length || (whole && groups.length === 1)
    return { ...(!all && { ports }), means, ...(since !== '' && { since }) }
  })
}
