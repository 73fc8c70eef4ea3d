import { SKETCH_BITS } from './window.ts'

/**
 * How many distinct values a linear-counting bitmap has seen (Whang, Vander-Zanden, Taylor 1990): -m ln(empty / m), rounded.
 * Up to 10 values it is exact unless two of them share a bit. With no empty bit left the estimate is that of half a bit: 1597.
 */
export function distinct (sketch: Uint8Array): number {
  let set = 0
  for (const byte of sketch) set += ONES[byte] ?? 0
  return ESTIMATES[set] ?? 0
}

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length)

const ESTIMATES = Uint16Array.from({ length: SKETCH_BITS + 1 }, (_, set) =>
  Math.round(-SKETCH_BITS * Math.log(Math.max(SKETCH_BITS - set, 0.5) / SKETCH_BITS)))
