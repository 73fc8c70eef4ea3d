import type { Limit, Mitigation } from '../src/core/mitigation/mitigation.ts'
import { addressFromBytes, addressToBytes } from '../src/wire/address.ts'

/** What one mitigation asks for on the connections from, or to, one address. */
export interface Restriction {
  readonly mitigation: string
  /** False: it is counted and not enforced. */
  readonly enforce: boolean
  readonly measure: Measure
  readonly ports: 'any' | readonly number[]
}
export type Measure = { readonly kind: 'watch' } | { readonly kind: 'deny' } | { readonly kind: 'limit', readonly limit: Limit }

/** Canonical address of the other end -> what holds for it. Addresses and lists are sorted, so that equal input gives equal resources. */
export type PeerRestrictions = ReadonlyMap<string, readonly Restriction[]>

/** Of one pod: by the source of what comes in, and by the destination of what goes out. */
export interface PodRestrictions {
  /** On what comes in from all sources together: limits on connections/s. */
  readonly everybody: readonly Restriction[]
  readonly inbound: PeerRestrictions
  readonly outbound: PeerRestrictions
}

/** A mitigation, or a part of it, that no proxy can carry (reason `CannotEnforce`). */
export interface Shortfall {
  readonly mitigation: string
  readonly message: string
}

const MAX_TOKENS = 0xffff_ffff // TokenBucket.max_tokens is a uint32
const MAX_KIB = 0xffff_ffff // 4 TiB/s: beyond it a limit says nothing

/** Why a proxy's chain cannot hold this limit, or null. */
function unable (limit: Limit): string | null {
  switch (limit.unit) {
    case 'requests/s':
    case 'connections/s': return Math.max(limit.value, limit.burst) <= MAX_TOKENS && limit.value >= 1 / 86_400 ? null : `${limit.value} ${limit.unit} with a burst of ${limit.burst} is outside 1 a day to ${MAX_TOKENS}/s`
    case 'connections': return limit.value >= 1 && limit.value <= MAX_TOKENS ? null : `${limit.value} connections is outside 1 to ${MAX_TOKENS}: use deny for none`
    case 'bytes/s': return limit.value >= 1024 && limit.value / 1024 <= MAX_KIB ? null : `${limit.value} bytes/s is outside 1 KiB/s to ${MAX_KIB} KiB/s, the unit of Envoy's limit`
  }
}

function measureOf ({ action, limit }: Mitigation['spec']): Measure | string {
  switch (action) {
    case 'watch': return { kind: 'watch' }
    case 'deny': return { kind: 'deny' }
    case 'quarantine': return 'a proxy is no node'
    case 'limit': {
      if (limit === undefined) return 'the action is limit, but it names no limit'
      return unable(limit) ?? { kind: 'limit', limit }
    }
  }
}

const canonical = (address: string): string | null => {
  const bytes = addressToBytes(address)
  return bytes === null ? null : addressFromBytes(bytes)
}

interface Carried {
  /** Of the subject, in canonical text; none for all of them. */
  readonly sources: readonly string[]
  /** That the subject is cut off from, in canonical text: of its victims and the Services before them, and of no known pod. */
  readonly destinations: readonly string[]
  readonly measure: Measure
}

/** The addresses to restrict and the measure for them, or why there is none. */
function carriable ({ spec }: Mitigation): Carried | string {
  const { subject, victims, services = [], destinations = [], direction } = spec
  if (subject === 'anySource' && spec.limit?.unit !== 'connections/s') return 'a proxy cannot tell forged sources apart; of all sources together only new connections can be limited (connections/s)'
  if (victims.length === 0 && (destinations.length === 0 || direction === 'ingress')) return 'it names no victim whose proxy could restrict the subject'
  const measure = measureOf(spec)
  if (typeof measure === 'string') return measure
  const sources: string[] = []
  for (const address of subject === 'anySource' ? [] : subject.addresses) {
    const source = canonical(address)
    if (source === null) return `'${address}' is no IP address`
    sources.push(source)
  }
  return { sources, destinations: [...victims.flatMap(({ addresses }) => addresses), ...services, ...destinations].flatMap((address) => canonical(address) ?? []), measure }
}

const byText = (one: string, other: string): number => one < other ? -1 : one > other ? 1 : 0

/** Not ended, and not past its `expiresAt`. */
export function isRunning ({ status, spec }: Mitigation, nowMs: number): boolean {
  return status.phase === 'active' && Date.parse(spec.expiresAt) > nowMs
}

/** A mitigation as far as the proxy of one pod carries it: in front of a victim, or in front of what the subject opens. */
export interface Duty {
  readonly mitigation: Mitigation
  readonly side: 'victim' | 'subject'
}

/**
 * Which pods' proxies carry this mitigation, by UID; or nobody's, and why. Each victim's does, whatever the direction: it
 * is the boundary that the subject cannot walk around. The subject's own does, too, where it is cut at egress.
 */
export function assign (mitigation: Mitigation): { readonly pods: ReadonlyMap<string, Duty['side']>, readonly shortfall: Shortfall | null } {
  const carried = carriable(mitigation)
  if (typeof carried === 'string') return { pods: new Map(), shortfall: { mitigation: mitigation.metadata.name, message: carried } }
  const { subject, victims, direction } = mitigation.spec
  const pods = new Map<string, Duty['side']>(victims.map(({ uid }) => [uid, 'victim']))
  if (subject !== 'anySource' && direction !== 'ingress' && !pods.has(subject.uid)) pods.set(subject.uid, 'subject')
  return { pods, shortfall: null }
}

/** What the proxy of one pod has to do. What is simulated or in shadow never enforces. The order of the duties says nothing. */
export function restrictionsOf (duties: readonly Duty[]): PodRestrictions {
  const [inbound, outbound] = [new Map<string, Restriction[]>(), new Map<string, Restriction[]>()]
  const everybody: Restriction[] = []
  for (const { mitigation, side } of duties.toSorted((one, other) => byText(one.mitigation.metadata.name, other.mitigation.metadata.name))) {
    const { metadata: { name }, spec, status } = mitigation
    const carried = carriable(mitigation)
    if (typeof carried === 'string') continue
    const restriction: Restriction = { mitigation: name, enforce: spec.mode === 'enforce' && !status.simulated, measure: carried.measure, ports: spec.ports }
    if (spec.subject === 'anySource') everybody.push(restriction)
    const peers = side === 'victim' ? inbound : outbound
    for (const peer of new Set(side === 'victim' ? carried.sources : carried.destinations)) peers.set(peer, [...peers.get(peer) ?? [], restriction])
  }
  const sorted = (peers: ReadonlyMap<string, Restriction[]>): PeerRestrictions => new Map([...peers].sort(([one], [other]) => byText(one, other)))
  return { everybody, inbound: sorted(inbound), outbound: sorted(outbound) }
}
