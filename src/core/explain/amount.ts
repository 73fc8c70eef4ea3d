/** Numbers as a person reads them: thousands apart, two significant decimals where it is small, one unit. */

const plain = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const fine = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 2 })

export const number = (value: number): string => (Math.abs(value) < 10 ? fine : plain).format(value)

/** "1 port", "214 ports"; `many` only where it is not `one` with an s. */
export const count = (value: number, one: string, many = `${one}s`): string => `${number(value)} ${number(value) === '1' ? one : many}`

export function bytes (value: number): string {
  if (value < 1000) return count(value, 'byte')
  if (value < 1e6) return `${number(value / 1e3)} kB`
  return value < 1e9 ? `${number(value / 1e6)} MB` : `${number(value / 1e9)} GB`
}

export function duration (seconds: number): string {
  if (seconds < 1) return `${number(seconds * 1000)} ms`
  return seconds < 120 ? `${number(seconds)} s` : `${number(seconds / 60)} min`
}

export const percent = (ratio: number): string => `${plain.format(ratio * 100)} %`
