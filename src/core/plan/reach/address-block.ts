import { ADDRESS_WORDS, parseAddress } from '../../flow/address.ts'

/** The addresses that begin with the first `bits` bits of `words`. Both families are of 128 bits here, IPv4 as ::ffff:a.b.c.d. */
export interface AddressBlock {
  readonly words: Int32Array
  readonly bits: number
}

const MAPPED_BITS = 96

/** The block of a CIDR text of either family; null where it is none. Bits of the address beyond the prefix do not count. */
export function parseBlock (cidr: string): AddressBlock | null {
  const [, address = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(cidr) ?? []
  const words = parseAddress(address)
  const bits = Number(length) + (address.includes(':') ? 0 : MAPPED_BITS)
  return words === null || bits > 32 * ADDRESS_WORDS || length === '' ? null : { words, bits }
}

/** No block of IPv6 holds an IPv4 address, ::/0 neither. */
export function inBlock ({ words, bits }: AddressBlock, address: Int32Array): boolean {
  if (bits < MAPPED_BITS && isMapped(address)) return false
  for (let word = 0; word < ADDRESS_WORDS; word++) {
    const left = bits - 32 * word
    if (left <= 0) return true
    // A shift by 32 is none at all, and `left` is at least 1 here.
    const differing = (words[word] ?? 0) ^ (address[word] ?? 0)
    if ((left >= 32 ? differing : differing >>> (32 - left)) !== 0) return false
  }
  return true
}

const EVERYTHING: readonly AddressBlock[] = [{ words: Int32Array.of(0, 0, 0xffff, 0), bits: MAPPED_BITS }, { words: Int32Array.of(0, 0, 0, 0), bits: 0 }]

/**
 * One address for each way in which addresses that are not taken can lie in these blocks, where there is one. Blocks lie in one another
 * or apart, so all addresses from one start to the next lie alike, and starts are where a block begins and right behind its end.
 */
export function representatives (blocks: readonly AddressBlock[], isTaken: (words: Int32Array) => boolean): Int32Array[] {
  const starts = new Map([...EVERYTHING, ...blocks].flatMap((block) => [firstOf(block), ...behind(block)]).map((words) => [words.join(), words]))
  return [...starts.values()].flatMap((start) => {
    let at: Int32Array | undefined = start
    while (at !== undefined && isTaken(at)) {
      [at] = behind({ words: at, bits: 32 * ADDRESS_WORDS })
      if (at !== undefined && starts.has(at.join())) return []
    }
    return at === undefined ? [] : [at]
  })
}

const maskOf = (bits: number, word: number): number => bits <= 32 * word ? 0 : bits >= 32 * (word + 1) ? -1 : -1 << (32 * (word + 1) - bits)
const firstOf = ({ words, bits }: AddressBlock): Int32Array => words.map((value, word) => value & maskOf(bits, word))

/** The address behind the last one; none behind the last of its family. */
function behind ({ words, bits }: AddressBlock): Int32Array[] {
  const next = words.map((value, word) => value | ~maskOf(bits, word))
  for (let word = ADDRESS_WORDS - 1; word >= 0; word--) {
    next[word] = ((next[word] ?? 0) + 1) | 0
    if (next[word] !== 0) return isMapped(words) === isMapped(next) ? [next] : []
  }
  return []
}

const isMapped = ([a, b, c]: Int32Array): boolean => a === 0 && b === 0 && c === 0xffff

export const sameFamily = (left: Int32Array, right: Int32Array): boolean => isMapped(left) === isMapped(right)
