/** Bits a second by unit, decimal as networks count: 1000kbps is 1,000,000 bit/s. */
const BITS = { bps: 1, kbps: 1e3, Kbps: 1e3, mbps: 1e6, Mbps: 1e6, gbps: 1e9, Gbps: 1e9 } as const

/** Envoy counts whole KiB/s (`*_kbps` fields), so less than this could not be set there. */
const LEAST_BITS = 16_000
const MOST_BITS = 100e9

export const RATE_MEND = 'Write a number of bits a second with its unit in quotes, such as "1000kbps" (bps, kbps, mbps or gbps; 16kbps to 100gbps)'

/** Bytes a second of a rate such as `1000kbps` (125,000); null for anything else. `MBps` is null: it could mean bytes. */
export function parseRate (text: string): number | null {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)\s?([A-Za-z]+)$/.exec(text.trim())
  const unit = match?.[2] ?? ''
  if (!Object.hasOwn(BITS, unit)) return null
  const bits = Number(match?.[1]) * BITS[unit as keyof typeof BITS]
  return bits >= LEAST_BITS && bits <= MOST_BITS ? bits / 8 : null
}
