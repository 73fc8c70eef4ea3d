import type { Place } from './place.ts'
import { randomFrom } from './random.ts'
import type { Random } from './random.ts'
import { ROLES, drawSettings } from './settings.ts'
import type { Proxied, Settings } from './settings.ts'
import type { ServerName } from './servers/servers.ts'

/** Rates a second that training never sees, of attacks and ordinary traffic alike: lower end included, upper not. */
export const HELD_OUT_RATES: readonly [number, number] = [60, 160]

/**
 * A file that has to lie in a pod before anything begins: passwords, of which that with the index `hit` is the right one (null: none is), or so
 * many bytes that look like nothing in particular.
 */
export type PlannedFile = { readonly pod: string, readonly name: string } & ({ readonly lines: readonly string[], readonly hit: number | null } | { readonly bytes: number })

/** A laboratory as its seed draws it, before any of it is there. Nothing but `random` and `files` changes. */
export interface World {
  readonly random: Random
  readonly settings: Settings
  /** The run is held out from training: tools, services and rates may be drawn that no other run has. */
  readonly unseen: boolean
  readonly places: readonly Place[]
  /** What the attacks need; grows while they are drawn. */
  readonly files: PlannedFile[]
  readonly pod: (role: string) => Place
  /** The pod that runs a server that not every laboratory has; null where this one lacks it. */
  readonly extra: (server: keyof Settings['extras']) => Place | null
  /** An address of the pods' own range that leads nowhere. */
  readonly nowhere: () => string
  /** A rate a second, spread over orders of magnitude, of those that this run may have. */
  readonly rate: (min: number, max: number) => number
  /** The /24 that holds the pods, and the one of the fifty scrape targets. */
  readonly ranges: { readonly pods: string, readonly targets: string }
  /** Pods with the small application: HTTP, streams, and the drawn ports. */
  readonly apps: readonly Place[]
  /** Pods that accept SSH. */
  readonly shells: readonly Place[]
  readonly everyone: readonly Place[]
}

export interface WorldOptions { unseen: boolean, proxied: Proxied, settings?: Settings }

/** Draws addresses and settings of a laboratory. The same seed and options draw the same. */
export function drawWorld (seed: string, { unseen, proxied, settings: fixed }: WorldOptions): World {
  const random = randomFrom(seed)
  const settings = fixed ?? drawSettings(random.fork('settings'), { unseen, proxied })
  const plan = drawAddresses(random.fork('addresses'))
  const places = Object.keys(ROLES).map((name): Place => {
    const addresses = name === 'targets' ? plan.targetAddresses : [name === 'outside' ? plan.outside : plan.fresh()]
    return { name, address: addresses[0] ?? '', addresses }
  })
  const pod = (role: string): Place => {
    const found = places.find(({ name }) => name === role)
    if (!found) throw new RangeError(`no pod '${role}'; there are: ${places.map(({ name }) => name).join(', ')}`)
    return found
  }
  const having = (test: (role: { servers: readonly ServerName[], app?: boolean }) => boolean) => places.filter(({ name }) => { const role = ROLES[name]; return role !== undefined && test(role) })
  return {
    random,
    settings,
    unseen,
    places,
    files: [],
    pod,
    extra: (server) => { const name = settings.extras[server]; return name === undefined ? null : pod(name) },
    nowhere: plan.fresh,
    rate: (min, max) => drawRate(random, min, max, unseen),
    ranges: { pods: `${plan.pods}.0/24`, targets: `${plan.targets}.0/24` },
    apps: having((role) => role.app === true),
    shells: having((role) => role.servers.includes('ssh')),
    everyone: places.filter(({ name }) => name !== 'targets'),
  }
}

/** Where a run is held out, half of its rates are of the band that training never sees, if the range has any; elsewhere none is. */
function drawRate (random: Random, min: number, max: number, unseen: boolean): number {
  const [from, to] = HELD_OUT_RATES
  if (unseen && from < max && min < to && random.chance(0.5)) return random.magnitude(Math.max(min, from), Math.min(max, to - 1))
  const drawn = random.magnitude(min, max)
  if (unseen || drawn < from || drawn >= to) return drawn
  // Only an end that the range has can be taken: a range within the band is an error of whoever drew it.
  if (min >= from && max < to) throw new RangeError(`rates from ${min} to ${max} a second are all held out: draw from a range that goes beyond ${from} to ${to}`)
  return min < from && (max < to || random.chance(0.5)) ? random.magnitude(min, from - 1) : random.magnitude(to, max)
}

function drawAddresses (random: Random) {
  const prefix = random.pick([`10.${random.integer(0, 250)}`, `172.${random.integer(16, 31)}`, '192.168', `100.${random.integer(64, 127)}`])
  const third = random.integer(0, 250)
  const pods = `${prefix}.${third}`
  const targets = `${prefix}.${third + 1}`
  const hosts = random.sample(Array.from({ length: 240 }, (_, i) => i + 5), 60)
  let next = 0
  const fresh = () => `${pods}.${hosts[next++] ?? 250}`
  const outside = `${random.pick(['198.51.100', '203.0.113', '192.0.2'])}.${random.integer(5, 250)}`
  const first = random.integer(2, 150)
  return { pods, targets, fresh, outside, targetAddresses: Array.from({ length: 50 }, (_, i) => `${targets}.${first + i}`) }
}
