import { MAX_NAMED_PORTS } from './window.ts'

/** More than are named, so that the most used are right although ports come and go. */
const PLACES = 16

/**
 * The most used ports of each cell, with their packets: Space-Saving (Metwally, Agrawal, El Abbadi 2005) over 16 places.
 * A port that takes the place of the least used one inherits its count as error; what is reported is the count without
 * the error, so that a scan of a thousand ports, one packet each, does not look like 16 busy ports.
 */
export class PortCounts {
  readonly #ports: Uint16Array
  readonly #counts: Float64Array
  readonly #errors: Float64Array

  constructor (cells: number) {
    this.#ports = new Uint16Array(cells * PLACES)
    this.#counts = new Float64Array(cells * PLACES)
    this.#errors = new Float64Array(cells * PLACES)
  }

  clear (cell: number): void {
    this.#counts.fill(0, cell * PLACES, (cell + 1) * PLACES)
  }

  add (cell: number, port: number, packets: number): void {
    const begin = cell * PLACES
    let least = begin
    for (let at = begin; at < begin + PLACES; at++) {
      const count = this.#counts[at] ?? 0
      if (count === 0) {
        this.#put(at, port, packets, 0)
        return
      }
      if (this.#ports[at] === port) {
        this.#counts[at] = count + packets
        return
      }
      if (count < (this.#counts[least] ?? 0)) least = at
    }
    const inherited = this.#counts[least] ?? 0
    this.#put(least, port, inherited + packets, inherited)
  }

  /** Adds what another table has in one cell. */
  addAll (cell: number, from: PortCounts, fromCell: number): void {
    const begin = fromCell * PLACES
    for (let at = begin; at < begin + PLACES; at++) {
      const packets = (from.#counts[at] ?? 0) - (from.#errors[at] ?? 0)
      if ((from.#counts[at] ?? 0) === 0) return
      this.add(cell, from.#ports[at] ?? 0, packets)
    }
  }

  /** Most packets first, the lower port first among equals. */
  list (cell: number): { port: number, packets: number }[] {
    const begin = cell * PLACES
    const list = []
    for (let at = begin; at < begin + PLACES && (this.#counts[at] ?? 0) > 0; at++) {
      list.push({ port: this.#ports[at] ?? 0, packets: (this.#counts[at] ?? 0) - (this.#errors[at] ?? 0) })
    }
    if (list.length > 1) list.sort((a, b) => b.packets - a.packets || a.port - b.port)
    return list.slice(0, MAX_NAMED_PORTS)
  }

  #put (at: number, port: number, count: number, error: number): void {
    this.#ports[at] = port
    this.#counts[at] = count
    this.#errors[at] = error
  }
}
