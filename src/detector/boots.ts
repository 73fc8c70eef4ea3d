import { Coverage } from './coverage.ts'

/** What a detector remembers of one boot of one observer. */
export interface Boot {
  /** Last batch that was taken in; null before the first. Sequence numbers are safe integers. */
  accepted: number | null
  /** Last batch whose windows were all scored; what is acknowledged. */
  scored: number
  readonly coverage: Coverage
  /** Ends the stream that speaks for this boot, if one is open. */
  replace: (() => void) | null
}

/** The boots of all observers, at most `capacity`; the one that was opened longest ago is forgotten, and would be asked to resend. */
export class Boots {
  readonly #boots = new Map<string, Boot>()
  readonly #capacity: number

  constructor (capacity: number) {
    this.#capacity = capacity
  }

  /** The boot's record, new where it is not known. A boot belongs to its identity: nobody continues another's sequence. */
  open (identity: string, bootId: Uint8Array, source: string, nowMs: number): Boot {
    const name = `${identity} ${Buffer.from(bootId).toString('hex')}`
    const boot = this.#boots.get(name) ?? { accepted: null, scored: 0, coverage: new Coverage(source, nowMs), replace: null }
    boot.coverage.watchesWith(source, nowMs)
    this.#boots.delete(name)
    this.#boots.set(name, boot)
    if (this.#boots.size > this.#capacity) this.#forgetOldest()
    return boot
  }

  #forgetOldest (): void {
    for (const [name, boot] of this.#boots) {
      if (boot.replace !== null) continue
      this.#boots.delete(name)
      return
    }
  }
}
