import type { Limit } from '../mitigation/mitigation.ts'

/** Bits a second by unit, decimal as networks count: 1000kbps is 1,000,000 bit/s. */
const BITS = { bps: 1, kbps: 1e3, Kbps: 1e3, mbps: 1e6, Mbps: 1e6, gbps: 1e9, Gbps: 1e9 } as const

/** Envoy counts whole KiB/s (`*_kbps` fields), so less than this could not be set there. */
const LEAST_BITS = 16_000
const MOST_BITS = 100e9

export const RATE_MEND = 'Write a number of bits a second with its unit in quotes, such as "1000kbps" (bps, kbps, mbps or gbps; 16kbps to 100gbps), or of new connections a second, such as "200 connections/s" (1 to 1000000)'

const MOST_CONNECTIONS = 1_000_000

/** `1000kbps` is 125,000 bytes/s, `200 connections/s` says itself; null for anything else. `MBps` is null: it could mean bytes. */
export function parseRate (text: string): Pick<Limit, 'value' | 'unit'> | null {
  const [, connections] = /^(\d{1,7})\s?connections\/s$/.exec(text.trim()) ?? []
  if (connections !== undefined) return Number(connections) >= 1 && Number(connections) <= MOST_CONNECTIONS ? { value: Number(connections), unit: 'connections/s' } : null
  const match = /^(\d{1,12}(?:\.\d{1,6})?)\s?([A-Za-z]+)$/.exec(text.trim())
  const unit = match?.[2] ?? ''
  if (!Object.hasOwn(BITS, unit)) return null
  const bits = Number(match?.[1]) * BITS[unit as keyof typeof BITS]
  return bits >= LEAST_BITS && bits <= MOST_BITS ? { value: bits / 8, unit: 'bytes/s' } : null
}
