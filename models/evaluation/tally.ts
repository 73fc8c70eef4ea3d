import type { RunOutcome } from './judge-run.ts'

export interface FoundCount {
  readonly attacks: number
  /** With a detection of their class. */
  readonly found: number
  /** With a detection of any class. */
  readonly noticed: number
  /** Seconds from the first packet, ascending, of those that were found. */
  readonly delays: readonly number[]
}

export interface Tally {
  /** By class, and by class and manner (`PORT_SCAN slow`), in the order in which they were met. */
  readonly found: ReadonlyMap<string, FoundCount>
  /** Rows: class of the attack, and BENIGN for keys of no attack. Columns: what was said of it; of an attack that was found its class alone. */
  readonly confusion: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly falseAlarms: number
  /** Captures with no attack in them, and those of them with an alarm. */
  readonly quietCaptures: number
  readonly quietCapturesAlarmed: number
  readonly benignPairs: number
  /** Hours of captures, and the same times each one's benign pairs. */
  readonly hours: number
  readonly pairHours: number
}

export const NOTHING = 'nothing'

export function tallyOf (runs: readonly RunOutcome[]): Tally {
  const found = new Map<string, { attacks: number, found: number, noticed: number, delays: number[] }>()
  const confusion = new Map<string, Map<string, number>>()
  const say = (truth: string, said: string): void => {
    const row = confusion.get(truth) ?? new Map<string, number>()
    confusion.set(truth, row.set(said, (row.get(said) ?? 0) + 1))
  }
  for (const { attacks, falseAlarms } of runs) {
    for (const { attack, found: right, otherwise } of attacks) {
      for (const name of [attack.class, `${attack.class} ${attack.manner}`]) {
        const count = found.get(name) ?? { attacks: 0, found: 0, noticed: 0, delays: [] }
        found.set(name, count)
        count.attacks++
        if (right !== null || otherwise.length > 0) count.noticed++
        if (right === null) continue
        count.found++
        count.delays.push(right.delaySeconds)
      }
      say(attack.class, right !== null ? attack.class : otherwise[0] ?? NOTHING)
    }
    for (const alarm of falseAlarms) say('BENIGN', alarm.class)
  }
  for (const { delays } of found.values()) delays.sort((one, other) => one - other)
  const quiet = runs.filter(({ attacks }) => attacks.length === 0)
  const sum = (of: (run: RunOutcome) => number): number => runs.reduce((total, run) => total + of(run), 0)
  return {
    found,
    confusion,
    falseAlarms: sum(({ falseAlarms }) => falseAlarms.length),
    quietCaptures: quiet.length,
    quietCapturesAlarmed: quiet.filter(({ falseAlarms }) => falseAlarms.length > 0).length,
    benignPairs: sum(({ benignPairs }) => benignPairs),
    hours: sum(({ hours }) => hours),
    pairHours: sum(({ hours, benignPairs }) => hours * benignPairs),
  }
}

/** The value below which `share` of an ascending list lies; NaN for an empty one. */
export const quantileOf = (ascending: readonly number[], share: number): number => ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))] ?? NaN
