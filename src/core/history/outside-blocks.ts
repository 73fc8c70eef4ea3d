import { addressText, parseAddress } from '../flow/address.ts'

/** Blocks in one rule, at most: more are no list that a person reads. */
const MAX_BLOCKS = 16

/** Blocks that hold the addresses, in order: each alone while they are few, else their networks of 256 (IPv6: /64), else everything of the family. */
export function outsideBlocks (addresses: readonly string[]): string[] {
  const words = addresses.flatMap((address) => parseAddress(address) ?? [])
  const [four, six] = [words.filter(isMapped), words.filter((each) => !isMapped(each))]
  return [...summarised(four, [128, 120], '0.0.0.0/0', 96), ...summarised(six, [128, 64], '::/0', 0)]
}

const isMapped = ([a = 0, b = 0, c = 0]: Int32Array): boolean => a === 0 && b === 0 && c === 0xffff

function summarised (addresses: readonly Int32Array[], lengths: readonly number[], everything: string, offset: number): string[] {
  for (const bits of lengths) {
    const blocks = new Set(addresses.map((words) => `${addressText(masked(words, bits), 0)}/${bits - offset}`))
    if (blocks.size <= MAX_BLOCKS) return [...blocks].sort()
  }
  return [everything]
}

const masked = (words: Int32Array, bits: number): Int32Array => words.map((word, at) => {
  const left = Math.min(32, Math.max(0, bits - 32 * at))
  return left === 0 ? 0 : word & (-1 << (32 - left))
})
