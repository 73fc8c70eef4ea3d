import { finish, mix } from './hash.ts'
import { DESTINATION, FRAGMENT_ID, PROTOCOL, SOURCE } from './packet.ts'

/** Power of two. Fragments of one packet follow each other closely, so a small memory that newer ones overwrite is enough. */
const CELLS = 1024
const WORDS = 10

/** Remembers which flow the first fragment of a packet belonged to: the later ones carry no ports. */
export class FragmentMemory {
  readonly #identity = new Int32Array(CELLS * WORDS)
  readonly #slots = new Int32Array(CELLS).fill(-1)
  readonly #serials = new Float64Array(CELLS)
  /** After `recall`: the serial of the flow that had the slot; it may have left since. */
  serial = 0

  remember (packet: Int32Array, slot: number, serial: number): void {
    const cell = cellOf(packet)
    for (let word = 0; word < WORDS; word++) this.#identity[cell * WORDS + word] = identityWord(packet, word)
    this.#slots[cell] = slot
    this.#serials[cell] = serial
  }

  /** The slot of the first fragment's flow, or -1. */
  recall (packet: Int32Array): number {
    const cell = cellOf(packet)
    for (let word = 0; word < WORDS; word++) {
      if (this.#identity[cell * WORDS + word] !== identityWord(packet, word)) return -1
    }
    this.serial = this.#serials[cell] ?? 0
    return this.#slots[cell] ?? -1
  }
}

/** RFC 791 and RFC 8200: source, destination, identification; IPv4 also the protocol. */
function identityWord (packet: Int32Array, word: number): number {
  if (word < 8) return packet[(word < 4 ? SOURCE : DESTINATION - 4) + word] ?? 0
  return packet[word === 8 ? PROTOCOL : FRAGMENT_ID] ?? 0
}

function cellOf (packet: Int32Array): number {
  const hash = mix(mix(packet[FRAGMENT_ID] ?? 0, packet[SOURCE + 3] ?? 0), packet[DESTINATION + 3] ?? 0)
  return finish(hash) & (CELLS - 1)
}
