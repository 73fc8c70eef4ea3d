import { type Finding, orOk, problem, warning } from './finding.ts'

/** One clock's reading and what the API server wrote down for the same moment, in whole seconds. Unix milliseconds. */
export interface ClockReading {
  /** `this machine`, `node n1`. */
  readonly whose: string
  /** The reading was taken between these two. */
  readonly fromMs: number
  readonly untilMs: number
  /** The API server cuts it to the second. */
  readonly serverMs: number
}

/** Windows of two observers are compared second by second. */
const WARN_MS = 2_000
/** Certificates begin a minute in the past, and tokens are checked to the second. */
const PROBLEM_MS = 30_000
const SECOND_MS = 1_000

/** By how much a clock is ahead of the API server's (behind: negative), as far as that is certain; 0 where it may agree. */
export function skewMs ({ fromMs, untilMs, serverMs }: ClockReading): number {
  if (fromMs > serverMs + SECOND_MS) return fromMs - serverMs - SECOND_MS
  return untilMs < serverMs ? untilMs - serverMs : 0
}

export function checkClocks (readings: readonly ClockReading[]): readonly Finding[] {
  const findings = readings.flatMap((reading) => {
    const skew = skewMs(reading)
    if (Math.abs(skew) < WARN_MS) return []
    const message = `The clock of ${reading.whose} is ${(Math.abs(skew) / SECOND_MS).toFixed(1)} s ${skew > 0 ? 'ahead of' : 'behind'} the API server's`
    return Math.abs(skew) >= PROBLEM_MS
      ? [problem('ClockSkew', `${message}: certificates and tokens are refused.`, 'Synchronize it (chrony, systemd-timesyncd).')]
      : [warning('ClockSkew', `${message}: accounts of both ends of a connection no longer fit.`, 'Synchronize it (chrony, systemd-timesyncd).')]
  })
  return orOk(findings, 'ClockSkew', `${readings.length} ${readings.length === 1 ? 'clock agrees' : 'clocks agree'} with the API server's within 2 s.`)
}
