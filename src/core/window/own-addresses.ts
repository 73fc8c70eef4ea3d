import { ADDRESS_WORDS, parseAddress } from '../flow/address.ts'
import { AutoshieldError } from '../errors.ts'

/** The addresses of the observer's own pod: it reports nothing that does not concern one of them. */
export class OwnAddresses {
  /** A replay has no pod: every address is its own. */
  readonly all: boolean
  readonly #words: Int32Array

  /** `null` for a replay. Throws BAD_DATA for a text that is no address. */
  constructor (addresses: readonly string[] | null) {
    this.all = addresses === null
    this.#words = Int32Array.from((addresses ?? []).flatMap((text) => {
      const words = parseAddress(text)
      if (words === null) throw new AutoshieldError('BAD_DATA', `'${text}' is no IPv4 or IPv6 address; the pod's own addresses are given as in its status.podIPs.`)
      return [...words]
    }))
  }

  has (words: Int32Array, at: number): boolean {
    if (this.all) return true
    const own = this.#words
    for (let mine = 0; mine < own.length; mine += ADDRESS_WORDS) {
      if (own[mine + 3] === words[at + 3] && own[mine + 2] === words[at + 2] && own[mine + 1] === words[at + 1] && own[mine] === words[at]) return true
    }
    return false
  }
}

/** Sources that a pod may use beside its own addresses: unspecified (DHCP, duplicate address detection), loopback, link-local. */
export function isLocalScope (words: Int32Array, at: number): boolean {
  const [a, b, c, d] = [words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0]
  if (a === 0 && b === 0 && c === 0xffff) return d === 0 || d >>> 24 === 127 || d >>> 16 === 0xa9fe
  return (a >>> 22) === 0x3fa || (a === 0 && b === 0 && c === 0 && (d === 0 || d === 1))
}

/** Multicast and limited broadcast: what every pod on a link hears. */
export function isGroup (words: Int32Array, at: number): boolean {
  const [a, b, c, d] = [words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0]
  if (a === 0 && b === 0 && c === 0xffff) return d >>> 28 === 14 || d === -1
  return a >>> 24 === 0xff
}
