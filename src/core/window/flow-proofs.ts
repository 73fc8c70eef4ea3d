import { FLAG, PROTOCOLS } from '../flow/packet.ts'

/** A flow that is proved late is made good for so many windows of each step before. */
const MAX_OWED = 2

const COUNTED = 1
const SPOKE = 2
const ANSWERED = 4

/** Windows of each step for which a flow counts as proved now. */
export interface Credit { short: number, middle: number, long: number }

/**
 * Which flows have a source that is real. Anybody can send packets with a forged source address, and what is answered goes to its owner,
 * whose observer sees flows that its pod never began.
 *
 * | the observer's pod | protocol | proved by |
 * | --- | --- | --- |
 * | is the source | TCP | a SYN, a probe or payload that it sent; a reset or a bare ACK answers what nobody asked for |
 * | is the source | another | its packet was the first |
 * | is the destination | TCP | payload from the destination: its kernel gives none before the source has acknowledged a number that only the owner of its address was told |
 * | is the destination | another | nothing |
 */
export class FlowProofs {
  readonly #marks: Uint8Array
  readonly #owed: readonly [Uint8Array, Uint8Array, Uint8Array]
  readonly #credit: Credit = { short: 0, middle: 0, long: 0 }

  constructor (maxFlows: number) {
    this.#marks = new Uint8Array(maxFlows)
    this.#owed = [new Uint8Array(maxFlows), new Uint8Array(maxFlows), new Uint8Array(maxFlows)]
  }

  opened (slot: number): void {
    this.#marks[slot] = 0
    for (const owed of this.#owed) owed[slot] = 0
  }

  /** Looks at a packet of the flow that is no ICMP error. `sent`: by the flow's source. `flags`: of TCP. */
  look (slot: number, sent: boolean, protocol: number, flags: number, payload: number): void {
    const known = this.#marks[slot] ?? 0
    const isTcp = protocol === PROTOCOLS.tcp
    let found = COUNTED
    if (isTcp && sent && (flags & FLAG.rst) === 0 && ((flags & FLAG.ack) === 0 || payload > 0)) found |= SPOKE
    if (!isTcp && sent && (known & COUNTED) === 0) found |= SPOKE
    if (isTcp && !sent && payload > 0) found |= ANSWERED
    this.#marks[slot] = known | found
  }

  /**
   * Counts a window of the flow that closes; `inMiddle`, `inLong`: it was counted before in the 15 s and the 60 s that it lies in. The
   * credit is valid until the next call.
   */
  settle (slot: number, ownSource: boolean, inMiddle: boolean, inLong: boolean): Credit {
    const isProved = ((this.#marks[slot] ?? 0) & (ownSource ? SPOKE : ANSWERED)) !== 0
    const [short, middle, long] = this.#owed
    this.#credit.short = settleStep(short, slot, isProved, 1)
    this.#credit.middle = settleStep(middle, slot, isProved, inMiddle ? 0 : 1)
    this.#credit.long = settleStep(long, slot, isProved, inLong ? 0 : 1)
    return this.#credit
  }
}

function settleStep (owed: Uint8Array, slot: number, isProved: boolean, counted: number): number {
  const due = (owed[slot] ?? 0) + counted
  owed[slot] = isProved ? 0 : Math.min(due, MAX_OWED)
  return isProved ? due : 0
}
