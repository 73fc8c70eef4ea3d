import { ADDRESS_WORDS } from '../../src/core/flow/address.ts'
import { FlowKeys } from '../../src/core/window/flow-keys.ts'
import type { OwnAddresses } from '../../src/core/window/own-addresses.ts'
import { NOTHING, type Tally } from './tally.ts'

export interface ConnectionEnd {
  /** Four words; null for any address (`*`). */
  readonly address: Int32Array | null
  /** 0 for any port. */
  readonly port: number
}

/** What a source tells of a connection at one time. */
export interface Report {
  readonly local: ConnectionEnd
  readonly peer: ConnectionEnd
  /** Tells connections apart that follow each other on the same ends. */
  readonly cookie: string
}

/** One connection (or connected UDP socket) of the pod, followed from look to look. */
export interface Connection<R extends Report = Report> {
  /** Its place in the tables of keys. */
  readonly slot: number
  readonly cookie: string
  readonly outbound: boolean
  /** IANA's number. */
  readonly protocol: number
  readonly responderPort: number
  /** Unix ms. */
  readonly firstMs: number
  last: R
  /** What has been counted for it. */
  tally: Tally
  /** Whether it has counted in any window. */
  counted: boolean
  decided: boolean
  halfOpen: boolean
  /** Its source has not been proven: it may be forged. */
  unproven: boolean
  /** The look that met it last. */
  look: number
  /** The 15 s and the 60 s window in which it was last counted, and its age there in ms. */
  middle: number
  middleAge: number
  long: number
  longAge: number
}

export interface TableLimits {
  readonly maxConnections: number
  readonly maxKeys: number
  readonly maxHalfOpenSources: number
  readonly seed: number
}

/** The connections under way, each with the keys that it counts for; bounded. */
export class ConnectionTable<R extends Report> {
  /** Connections that there was no room for. */
  refused = 0
  opened = 0
  readonly keys: FlowKeys
  readonly #max: number
  readonly #connections = new Map<string, Connection<R>>()
  readonly #idOf: (report: R) => string
  readonly #free: number[] = []
  #fresh = 0

  /** `idOf`: by what a connection is found again. */
  constructor ({ maxConnections, maxKeys, maxHalfOpenSources, seed }: TableLimits, own: OwnAddresses, idOf: (report: R) => string) {
    this.#max = maxConnections
    this.#idOf = idOf
    this.keys = new FlowKeys(maxConnections, maxKeys, maxHalfOpenSources, seed, own)
  }

  get live (): number {
    return this.#connections.size
  }

  /** Null where it is new; one whose ends have been taken by another connection meanwhile is closed. */
  find (report: R): Connection<R> | null {
    const known = this.#connections.get(this.#idOf(report))
    if (known === undefined) return null
    if (known.cookie === report.cookie) return known
    this.close(known)
    return null
  }

  /** Null where there is no room. `unproven`: nobody has seen the source's third packet. */
  open (report: R, { outbound, protocol, unproven, firstMs }: Pick<Connection, 'outbound' | 'protocol' | 'unproven' | 'firstMs'>): Connection<R> | null {
    const slot = this.#free.pop() ?? (this.#fresh < this.#max ? this.#fresh++ : -1)
    if (slot < 0) {
      this.refused++
      return null
    }
    const responderPort = (outbound ? report.peer : report.local).port
    const connection: Connection<R> = {
      slot,
      cookie: report.cookie,
      outbound,
      protocol,
      responderPort,
      firstMs,
      last: report,
      tally: NOTHING,
      counted: false,
      decided: false,
      halfOpen: false,
      unproven,
      look: 0,
      middle: -1,
      middleAge: 0,
      long: -1,
      longAge: 0,
    }
    this.keys.open(slot, unproven, responderPort, firstMs, (_, to) => copyEnds(connection, to))
    this.#connections.set(this.#idOf(report), connection)
    this.opened++
    return connection
  }

  /** Its source has finished the handshake: it holds its keys by right. */
  prove (connection: Connection<R>, atMs: number): void {
    connection.unproven = false
    this.keys.prove(connection.slot, atMs, (_, to) => copyEnds(connection, to))
  }

  close (connection: Connection<R>): void {
    this.#connections.delete(this.#idOf(connection.last))
    this.keys.close(connection.slot)
    this.#free.push(connection.slot)
  }

  /** Closes those that no look has met since `look`: their end went unheard. */
  closeUnmet (look: number): void {
    for (const connection of this.#connections.values()) if (connection.look < look) this.close(connection)
  }
}

/** Initiator's address, responder's behind it. */
function copyEnds ({ outbound, last: { local, peer } }: Connection, to: Int32Array): void {
  const [initiator, responder] = outbound ? [local, peer] : [peer, local]
  for (let word = 0; word < ADDRESS_WORDS; word++) {
    to[word] = initiator.address?.[word] ?? 0
    to[ADDRESS_WORDS + word] = responder.address?.[word] ?? 0
  }
}
