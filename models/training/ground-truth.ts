import type { AttackClass } from '../../src/core/classes.ts'
import { COUNTERS, TENSOR_WINDOWS, keyId, type Window, type WindowKey } from '../../src/core/window/window.ts'
import { covers } from './address-range.ts'
import { ANY_FORGED, type Attack, type Leg, type RunLabels } from './run-labels.ts'

/**
 * Packets of an attack that a tensor's span must hold before the tensor is called one of the class. With less it is no fair example of
 * anything and is left out: calling such tensors attacks once made five times as many benign captures look like one.
 */
const ENOUGH_PACKETS: Readonly<Record<AttackClass, number>> = { LATERAL_MOVEMENT: 30, PORT_SCAN: 12, SYN_FLOOD: 40, BRUTE_FORCE: 60, DATA_EXFILTRATION: 60 }
/** Of a class of somebody's own, where the labels say nothing. */
const ENOUGH_OF_OWN = 30

const enoughOf = ({ class: name, enoughPackets }: Attack): number =>
  enoughPackets ?? (Object.hasOwn(ENOUGH_PACKETS, name) ? ENOUGH_PACKETS[name as AttackClass] : ENOUGH_OF_OWN)

/** A fan is called an attack only where at least this share of its packets is. */
const ENOUGH_OF_A_FAN = 0.3
/** A source that guesses at this many, or a target at which this many guess, is found by its fan. So is an attack of a class of somebody's own. */
const MANY = 3

/** What one tensor is called. */
export interface Verdict {
  /** Index into the classes. */
  readonly label: number
  /** Index of the attack in the run's list; -1 where there is none. */
  readonly attack: number
  readonly attackPackets: number
}

const BENIGN: Verdict = { label: 0, attack: -1, attackPackets: 0 }

/** Attack packets are counted in windows of this step. */
const STEP_MS = 500

/** Packets of one attack on one key, by window number. */
type Timeline = Map<number, number>

/** Says which attack is inside each tensor of one run. Made from all its windows: a fan's own windows cannot tell whose packets they count. */
export class GroundTruth {
  readonly #attacks: readonly Attack[]
  /** By attack; -1 for one of a class that is none of the classes. */
  readonly #labels: readonly number[]
  readonly #firstWindow: number
  /** For each attack, by key id. */
  readonly #timelines: readonly Map<string, Timeline>[]
  readonly #pods: ReadonlySet<string>
  /** Keys with traffic of which nobody says what it is. */
  readonly #unknown = new Set<string>()

  /** `classes` are those that tensors may be called, BENIGN first: tensors of an attack of another class are no examples. */
  constructor ({ attacks, pods, suspects, startedMs }: RunLabels, windows: readonly Window[], classes: readonly string[]) {
    this.#attacks = attacks
    this.#labels = attacks.map(({ class: name }) => classes.indexOf(name))
    this.#firstWindow = Math.floor(startedMs / STEP_MS)
    this.#pods = pods
    this.#timelines = attacks.map(() => new Map<string, Timeline>())
    for (const [index, attack] of attacks.entries()) for (const leg of attack.legs) this.#take(index, leg)
    for (const window of windows) {
      if (window.stepMs === STEP_MS) this.#count(window)
      if (window.key.kind === 'pair' && (suspects.has(window.key.source) || suspects.has(window.key.destination))) this.#doubt(window.key)
    }
  }

  /** `newest` is the tensor's last window and `packets` all packets of its key over its span. Null: the tensor is no example of anything. */
  verdict (newest: Window, packets: number): Verdict | null {
    const first = (newest.number - TENSOR_WINDOWS + 1) * newest.stepMs / STEP_MS
    const end = (newest.number + 1) * newest.stepMs / STEP_MS
    let touched = false
    for (const [index, attack] of this.#attacks.entries()) {
      const timeline = this.#timelines[index]?.get(keyId(newest.key))
      if (timeline === undefined) continue
      const inside = packetsBetween(timeline, first, end, attack.lastPacketMs)
      const label = this.#labels[index] ?? -1
      if (label > 0 && inside >= enoughOf(attack) && isFoundBy(newest.key, attack, inside / packets)) return { label, attack: index, attackPackets: inside }
      touched ||= packetsBetween(timeline, first, end, Infinity) > 0
    }
    return touched || this.#unknown.has(keyId(newest.key)) ? null : BENIGN
  }

  #doubt (key: WindowKey & { kind: 'pair' }): void {
    for (const each of [key, { kind: 'fan-out', source: key.source }, { kind: 'fan-in', destination: key.destination }] as const) this.#unknown.add(keyId(each))
  }

  #count (window: Window): void {
    const startMs = window.number * STEP_MS
    for (const [index, attack] of this.#attacks.entries()) {
      if (startMs + STEP_MS <= attack.firstPacketMs || startMs > attack.residueUntilMs) continue
      for (const leg of attack.legs) if (!isCounted(leg)) this.#countLeg(index, leg, window)
    }
  }

  /** Packets that were counted by flow: where an attack and ordinary work share a pair and a port, only these can tell them apart. */
  #take (index: number, leg: Leg): void {
    if (!isCounted(leg)) return
    for (const key of [{ kind: 'pair', source: leg.source, destination: leg.destination }, { kind: 'fan-out', source: leg.source }, { kind: 'fan-in', destination: leg.destination }] as const) {
      for (const [window, packets] of leg.timeline) this.#add(index, key, this.#firstWindow + window, packets)
    }
  }

  #add (index: number, key: WindowKey, number: number, packets: number): void {
    const id = keyId(key)
    const timeline = this.#timelines[index]?.get(id) ?? new Map<number, number>()
    this.#timelines[index]?.set(id, timeline.set(number, (timeline.get(number) ?? 0) + packets))
  }

  #countLeg (index: number, leg: Leg, window: Window): void {
    const { key, number } = window
    const add = (key: WindowKey): void => this.#add(index, key, number, packetsOn(window, leg.ports))
    const forged = leg.source === ANY_FORGED
    if (key.kind === 'pair' && this.#isTarget(leg, key.destination) && (forged ? !this.#pods.has(key.source) : key.source === leg.source)) {
      add(key)
      add({ kind: 'fan-out', source: key.source })
      if (!forged) add({ kind: 'fan-in', destination: key.destination })
    }
    // Few forged sources have a pair key, for the tables are bounded: the victim's own fan-in counts them.
    if (forged && key.kind === 'fan-in' && key.destination === leg.destination) add(key)
  }

  /** A range stands for the addresses in it that are no pod's: pods have legs of their own. */
  #isTarget (leg: Leg, destination: string): boolean {
    return leg.destination.includes('/') ? !this.#pods.has(destination) && covers(leg.destination, destination) : leg.destination === destination
  }
}

/** Of forged sources and of ranges nobody has counted which packet was whose: those are found in the windows. */
const isCounted = (leg: Leg): leg is Leg & { timeline: [number, number][] } => leg.timeline !== undefined && leg.source !== ANY_FORGED && !leg.destination.includes('/')

/** Whether an attack of this class should be found by this key, of whose packets it makes `share`. */
function isFoundBy (key: WindowKey, attack: Attack, share: number): boolean {
  if (key.kind === 'pair') return true
  if (share < ENOUGH_OF_A_FAN) return false
  switch (attack.class) {
    case 'PORT_SCAN': return key.kind === 'fan-out'
    case 'SYN_FLOOD': return true
    // Among all that a pod does, a hop or an upload is little: its pair tells it.
    case 'LATERAL_MOVEMENT': return false
    case 'DATA_EXFILTRATION': return false
    // Guessing, and what somebody named without saying what it looks like.
    default: return new Set(attack.legs.map((leg) => key.kind === 'fan-out' ? leg.destination : leg.source)).size >= MANY
  }
}

const [SENT, RECEIVED] = [COUNTERS.indexOf('packets_sent'), COUNTERS.indexOf('packets_received')]

function packetsOn (window: Window, ports: readonly number[] | null): number {
  if (ports === null) return (window.counters[SENT] ?? 0) + (window.counters[RECEIVED] ?? 0)
  return window.ports.reduce((sum, { port, packets }) => ports.includes(port) ? sum + packets : sum, 0)
}

function packetsBetween (timeline: Timeline, first: number, end: number, untilMs: number): number {
  let sum = 0
  for (const [number, packets] of timeline) if (number >= first && number < end && number * STEP_MS <= untilMs) sum += packets
  return sum
}
