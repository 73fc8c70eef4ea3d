import { AutoshieldError } from '../core/errors.ts'

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Unix milliseconds of a time, or of a while ago. Throws USAGE. */
export function sinceMs (text: string, nowMs: number): number {
  const [, amount = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  const value = unit === '' ? Date.parse(text) : nowMs - Number(amount) * (UNITS[unit] ?? NaN)
  if (Number.isNaN(value)) throw new AutoshieldError('USAGE', `--since ${text} is neither a while nor a time; write it as 15m, 1h, 2d or 2026-01-31T12:00:00Z.`)
  return value
}
