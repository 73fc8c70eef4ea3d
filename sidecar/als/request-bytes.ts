import type { ProxyEntry } from './proxy-entry.ts'

/** From the initiator and to it. */
export type Bytes = Pick<ProxyEntry, 'sentBytes' | 'receivedBytes'>
const NONE: Bytes = { sentBytes: 0, receivedBytes: 0 }

/** Counts of one connection never go back. */
export const larger = (one: Bytes, other: Bytes): Bytes =>
  ({ sentBytes: Math.max(one.sentBytes, other.sentBytes), receivedBytes: Math.max(one.receivedBytes, other.receivedBytes) })

/** What requests under way have been counted with: a long one is told of more than once, each time with all of its bytes. */
export class RequestBytes {
  readonly #max: number
  readonly #underWay = new Map<string, Bytes>()

  constructor (max: number) {
    this.#max = max
  }

  /** The bytes of a connection, with those that the request has more than when it was last told of. */
  total ({ stream, kind, sentBytes, receivedBytes }: ProxyEntry, { sentBytes: sent, receivedBytes: received }: Bytes): Bytes {
    const before = this.#underWay.get(stream) ?? NONE
    this.#underWay.delete(stream)
    if (kind === 'requesting') this.#underWay.set(stream, { sentBytes, receivedBytes })
    const oldest = this.#underWay.keys().next()
    if (this.#underWay.size > this.#max && oldest.done !== true) this.#underWay.delete(oldest.value)
    return { sentBytes: sent + Math.max(0, sentBytes - before.sentBytes), receivedBytes: received + Math.max(0, receivedBytes - before.receivedBytes) }
  }
}
