import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AttackClass } from '../../../src/core/classes.ts'
import type { Pod } from '../pod.ts'
import type { Random } from '../random.ts'
import type { World } from '../world.ts'

/** One direction in which the attack opens flows. `source` null: forged addresses. `ports` null: any. */
export interface Leg { source: string | null, destination: string, protocol: 'tcp' | 'udp' | 'icmp', ports: number[] | null }

/** One attack as drawn: what runs where, and which flows of the capture are its own. */
export interface AttackPlan {
  class: AttackClass
  tool: string
  /** They all run `command`, in a shell of their own pod. */
  attackers: Pod[]
  command: string
  /** What has to run elsewhere before: a listener, a collecting server. Ended with the attack. */
  helpers?: { pod: Pod, command: string }[]
  /** Undone in the attackers' pods after the attack, also when its time was up. */
  cleanup?: string
  victims: string[]
  legs: Leg[]
  /** The most that it may take. */
  seconds: number
}

/** How one tool is used; `heldOut` variants appear only in runs that are not trained on, so that a model can be asked about tools it never saw. */
export interface Variant { name: string, heldOut: boolean, draw: (world: World) => AttackPlan }

export const tcp = (source: Pod, destination: Pod | string, ports: number[] | null): Leg =>
  ({ source: source.address, destination: typeof destination === 'string' ? destination : destination.address, protocol: 'tcp', ports })

/** An attacker that is none of `others`. */
export const attackerBeside = (world: World, ...others: readonly Pod[]): Pod =>
  world.random.pick(world.everyone.filter((pod) => !others.includes(pod)))

/** Makes a firewalled pod accept one more port; elsewhere it does nothing. */
export const accept = (port: number): string => `nft insert rule inet lab input meta l4proto { tcp, udp } th dport ${port} accept 2>/dev/null; `

/** A file of passwords, none of which is anybody's. */
export function passwordFile (random: Random, pod: Pod, count: number): string {
  const file = join(pod.folder, `passwords-${random.integer(1, 1e9)}.txt`)
  const word = () => random.pick(['summer', 'winter', 'admin', 'password', 'qwerty', 'dragon', 'welcome', 'monkey', 'secret', 'master'])
  writeFileSync(file, Array.from({ length: count }, () => `${word()}${random.integer(0, 99_999)}\n`).join(''))
  return file
}

/** A file that looks like nothing in particular. */
export function lootFile (random: Random, pod: Pod, bytes: number): string {
  const file = join(pod.folder, `loot-${random.integer(1, 1e9)}.bin`)
  writeFileSync(file, randomBytes(bytes))
  return file
}
