import { AutoshieldError } from '../../errors.ts'
import { parseAddress } from '../../flow/address.ts'
import type { Pod } from '../../pod.ts'
import type { Located } from './compiled.ts'

/** Most addresses are never compared with a block. */
export class End implements Located {
  readonly address: string
  readonly pod: Pod | null
  readonly node: string | null
  #words: Int32Array | null = null

  constructor (address: string, pod: Pod | null, node: string | null) {
    this.address = address
    this.pod = pod
    this.node = node
  }

  get words (): Int32Array {
    this.#words ??= wordsOf(this.address)
    return this.#words
  }
}

export const isIpv6 = ({ address }: Located): boolean => address.includes(':')

/** Throws BAD_DATA for what is no address. */
export function wordsOf (address: string): Int32Array {
  const words = parseAddress(address)
  if (words === null) throw new AutoshieldError('BAD_DATA', `${JSON.stringify(address)} is no address: give one of IPv4 or IPv6.`)
  return words
}
