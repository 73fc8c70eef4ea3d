import type { AttackClass } from '../../../src/core/classes.ts'
import type { Load } from '../benign/kind.ts'
import type { World } from '../draw-world.ts'
import type { Place } from '../place.ts'

/** One direction in which the attack opens flows. `source` null: forged addresses. `ports` null: any. */
export interface Leg { source: string | null, destination: string, protocol: 'tcp' | 'udp' | 'icmp', ports: number[] | null }

/** As tools are used when nobody hides, slower than anybody would notice, or spread, padded or covered so as not to be noticed. */
export type Manner = 'plain' | 'slow' | 'evasive'

/** One attack as drawn: what runs where, and which flows of the capture are its own. */
export interface AttackPlan {
  class: AttackClass
  tool: string
  service: string
  manner: Manner
  /** Attempts or packets a second that the tool was asked for; null where it sets its own pace. */
  rate: number | null
  /** They all run `command`, in a shell of their own pod, where SHARE is 0 for the first, 1 for the second, and so on. */
  attackers: Place[]
  command: string
  /** What has to run elsewhere before: a listener, a collecting server. Ended with the attack. */
  helpers?: { pod: Place, command: string }[]
  /** Undone in the attackers' pods after the attack, also when its time was up. */
  cleanup?: string
  /** Ordinary traffic of the same pairs, under which it hides; it runs as long as the run does. */
  cover?: Load[]
  victims: string[]
  legs: Leg[]
  /** The most that it may take. */
  seconds: number
}

/** How one tool is used; `heldOut` variants appear only in runs that are not trained on, so that a model can be asked about tools it never saw. */
export interface Variant {
  readonly name: string
  readonly heldOut: boolean
  readonly manner?: Manner
  readonly service: string
  /** Null where the laboratory has no such server. */
  readonly draw: (world: World) => Omit<AttackPlan, 'service' | 'manner'> | null
}

export const tcp = (source: Place, destination: Place | string, ports: number[] | null): Leg =>
  ({ source: source.address, destination: typeof destination === 'string' ? destination : destination.address, protocol: 'tcp', ports })

/** An attacker that is none of `others`. */
export const attackerBeside = (world: World, ...others: readonly Place[]): Place =>
  world.random.pick(world.everyone.filter((pod) => !others.includes(pod)))

/** Several of them, all different. */
export const attackersBeside = (world: World, count: number, ...others: readonly Place[]): Place[] =>
  world.random.sample(world.everyone.filter((pod) => !others.includes(pod) && pod.name !== 'names'), count)

/** Makes a firewalled pod accept one more port; elsewhere it does nothing. */
export const accept = (port: number): string => `nft insert rule inet lab input meta l4proto { tcp, udp } th dport ${port} accept 2>/dev/null; `

const WORDS = ['summer', 'winter', 'admin', 'password', 'qwerty', 'dragon', 'welcome', 'monkey', 'secret', 'master']

/** A file of `count` passwords, of which `hit`, where it is given, is the right one; it lies anywhere in the file. Its name is returned. */
export function passwordFile ({ random, files }: World, pod: Place, count: number, hit: string | null = null): string {
  const name = `passwords-${random.integer(1, 1e9)}.txt`
  const lines = Array.from({ length: count }, () => `${random.pick(WORDS)}${random.integer(0, 99_999)}`)
  const at = hit === null ? null : random.integer(0, count - 1)
  if (hit !== null && at !== null) lines[at] = hit
  files.push({ pod: pod.name, name, lines, hit: at })
  return name
}

/** A file that looks like nothing in particular. Its name is returned. */
export function lootFile ({ random, files }: World, pod: Place, bytes: number): string {
  const name = `loot-${random.integer(1, 1e9)}.bin`
  files.push({ pod: pod.name, name, bytes })
  return name
}
