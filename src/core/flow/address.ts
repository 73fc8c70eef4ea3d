/** Addresses are four 32-bit words, as signed integers (they stay small integers to the engine); IPv4 is ::ffff:a.b.c.d. */
export const ADDRESS_WORDS = 4

/** Canonical text of the address at `at`: RFC 5952, IPv4-mapped as IPv4. */
export function addressText (words: Int32Array, at: number): string {
  const [a = 0, b = 0, c = 0, d = 0] = words.subarray(at, at + ADDRESS_WORDS)
  if (a === 0 && b === 0 && c === 0xffff) return `${d >>> 24}.${(d >>> 16) & 255}.${(d >>> 8) & 255}.${d & 255}`
  const groups = [a, b, c, d].flatMap((word) => [word >>> 16, word & 0xffff])
  const zeros = longestZeros(groups)
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':')
  return zeros.length < 2
    ? text(groups)
    : `${text(groups.slice(0, zeros.start))}::${text(groups.slice(zeros.start + zeros.length))}`
}

/** The first longest run of zero groups: RFC 5952 section 4.2.3. */
function longestZeros (groups: readonly number[]): { start: number, length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  return best
}

/** The words of an address text, IPv4 or IPv6 (also with dotted ending); null where it is neither. */
export function parseAddress (text: string): Int32Array | null {
  const v4 = parseIpv4(text)
  if (v4 !== null) return Int32Array.of(0, 0, 0xffff, v4)
  const dotted = /^(.*:)([\d.]+)$/.exec(text)
  const last = dotted === null || dotted[2]?.includes('.') !== true ? undefined : parseIpv4(dotted[2])
  if (last === null) return null
  const groupsText = last === undefined ? text : `${dotted?.[1] ?? ''}${(last >>> 16).toString(16)}:${(last & 0xffff).toString(16)}`
  const groups = parseGroups(groupsText)
  return groups === null ? null : Int32Array.from({ length: ADDRESS_WORDS }, (_, word) => ((groups[2 * word] ?? 0) << 16) | (groups[2 * word + 1] ?? 0))
}

function parseIpv4 (text: string): number | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return null
  return parts.reduce((word, part) => (word << 8) | Number(part), 0)
}

function parseGroups (text: string): number[] | null {
  const halves = text.split('::')
  const [left = [], right = []] = halves.map((half) => half === '' ? [] : half.split(':'))
  const all = [...left, ...right]
  const fits = halves.length === 1 ? all.length === 8 : halves.length === 2 && all.length < 8
  if (!fits || !all.every((group) => /^[\da-f]{1,4}$/i.test(group))) return null
  const zeros = new Array<string>(8 - all.length).fill('0')
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16))
}
