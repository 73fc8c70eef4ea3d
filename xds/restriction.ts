import type { Limit, Mitigation } from '../src/core/mitigation/mitigation.ts'
import { addressFromBytes, addressToBytes } from '../src/wire/address.ts'

/** What one mitigation asks for on the connections of one source address. */
export interface Restriction {
  readonly mitigation: string
  /** False: it is counted and not enforced. */
  readonly enforce: boolean
  readonly measure: Measure
  readonly ports: 'any' | readonly number[]
}
export type Measure = { readonly kind: 'watch' } | { readonly kind: 'deny' } | { readonly kind: 'limit', readonly limit: Limit }

/** Of one pod: canonical source address -> what holds for it. Addresses and lists are sorted, so that equal input gives equal resources. */
export type PodRestrictions = ReadonlyMap<string, readonly Restriction[]>

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
    case 'requests/s': return 'a proxy that passes TCP through sees connections, not requests: limit connections/s or bytes/s'
    case 'connections/s': return Math.max(limit.value, limit.burst) <= MAX_TOKENS && limit.value >= 1 / 86_400 ? null : `${limit.value} connections/s with a burst of ${limit.burst} is outside 1 a day to ${MAX_TOKENS}/s`
    case 'connections': return limit.value >= 1 && limit.value <= MAX_TOKENS ? null : `${limit.value} connections is outside 1 to ${MAX_TOKENS}: use deny for none`
    case 'bytes/s': return limit.value >= 1024 && limit.value / 1024 <= MAX_KIB ? null : `${limit.value} bytes/s is outside 1 KiB/s to ${MAX_KIB} KiB/s, the unit of Envoy's limit`
  }
}

function measureOf ({ action, limit }: Mitigation['spec']): Measure | string {
  switch (action) {
    case 'watch': return { kind: 'watch' }
    case 'deny': return { kind: 'deny' }
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

/** The addresses to restrict and the measure for them, or why there is none. */
function carriable ({ spec }: Mitigation): { sources: readonly string[], measure: Measure } | string {
  if (spec.subject === 'anySource') return 'a proxy sees completed handshakes only, so it cannot tell forged sources apart: limit SYNs in the victim\'s network namespace'
  if (spec.victims.length === 0) return 'it names no victim whose proxy could restrict the subject'
  const measure = measureOf(spec)
  if (typeof measure === 'string') return measure
  const sources: string[] = []
  for (const address of spec.subject.addresses) {
    const source = canonical(address)
    if (source === null) return `'${address}' is no IP address`
    sources.push(source)
  }
  return { sources, measure }
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

/** Which pods' proxies carry this mitigation, by UID; or nobody's, and why. */
export function assign (mitigation: Mitigation): { readonly pods: ReadonlyMap<string, Duty['side']>, readonly shortfall: Shortfall | null } {
  const carried = carriable(mitigation)
  if (typeof carried === 'string') return { pods: new Map(), shortfall: { mitigation: mitigation.metadata.name, message: carried } }
  return { pods: new Map(mitigation.spec.victims.map(({ uid }) => [uid, 'victim'])), shortfall: null }
}

/**
 * What the proxy of one pod has to do. Connections that the subject opens to a victim are restricted in front of that
 * victim, whatever the mitigation's direction. What is simulated or in shadow never enforces. The order of the duties
 * says nothing.
 */
export function restrictionsOf (duties: readonly Duty[]): PodRestrictions {
  const sources = new Map<string, Restriction[]>()
  for (const { mitigation } of duties.toSorted((one, other) => byText(one.mitigation.metadata.name, other.mitigation.metadata.name))) {
    const { metadata: { name }, spec, status } = mitigation
    const carried = carriable(mitigation)
    if (typeof carried === 'string') continue
    const restriction: Restriction = { mitigation: name, enforce: spec.mode === 'enforce' && !status.simulated, measure: carried.measure, ports: spec.ports }
    for (const source of new Set(carried.sources)) sources.set(source, [...sources.get(source) ?? [], restriction])
  }
  return new Map([...sources].sort(([one], [other]) => byText(one, other)))
}
