/** Bytes of an IPv4 (4) or IPv6 (16) address in text; an IPv4-mapped address gives its 4. Null where the text is no address. */
export function addressToBytes (text: string): Uint8Array | null {
  return text.includes(':') ? ipv6ToBytes(text) : ipv4ToBytes(text)
}

/** Canonical text of 4 or 16 bytes (RFC 5952 for IPv6); null for another length and for an IPv4-mapped address, which is not canonical. */
export function addressFromBytes (bytes: Uint8Array): string | null {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16 || isMapped(bytes)) return null
  return ipv6FromBytes(bytes)
}

function ipv4ToBytes (text: string): Uint8Array | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return null
  return Uint8Array.from(parts, Number)
}

function ipv6ToBytes (text: string): Uint8Array | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const [head, tail] = halves.map(groupsOf)
  if (head === undefined || head === null || tail === null) return null
  const missing = 16 - head.length - (tail?.length ?? 0)
  // "::" stands for at least one group (RFC 4291, section 2.2).
  if (tail === undefined ? missing !== 0 : missing < 2) return null
  const bytes = new Uint8Array(16)
  bytes.set(head)
  if (tail !== undefined) bytes.set(tail, 16 - tail.length)
  return isMapped(bytes) ? bytes.slice(12) : bytes
}

/** Bytes of a colon-separated run of groups, whose last may be an IPv4 address; null where it is none. */
function groupsOf (run: string): number[] | null {
  if (run === '') return []
  const groups = run.split(':')
  const bytes: number[] = []
  for (const [index, group] of groups.entries()) {
    const dotted = index === groups.length - 1 && group.includes('.') ? ipv4ToBytes(group) : null
    if (dotted !== null) {
      bytes.push(...dotted)
    } else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
    } else {
      return null
    }
  }
  return bytes
}

const isMapped = (bytes: Uint8Array): boolean =>
  bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0)

function ipv6FromBytes (bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0))
  const { start, length } = longestZeroRun(groups)
  const text = (from: number, to: number) => groups.slice(from, to).map((group) => group.toString(16)).join(':')
  return length < 2 ? text(0, 8) : `${text(0, start)}::${text(start + length, 8)}`
}

/** The first longest run of zero groups is the one that is shortened (RFC 5952, section 4.2.3). */
function longestZeroRun (groups: readonly number[]): { start: number, length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
    start += length
  }
  return best
}
