import { ADDRESS_WORDS } from '../../src/core/flow/address.ts'
import { FlowKeys } from '../../src/core/window/flow-keys.ts'
import type { OwnAddresses } from '../../src/core/window/own-addresses.ts'
import { NOTHING, type Tally } from './connection.ts'
import { socketId, type SocketReport } from './socket-report.ts'

/** One connection (or connected UDP socket) of the pod, followed from look to look. */
export interface Connection {
  /** Its place in the tables of keys. */
  readonly slot: number
  readonly cookie: string
  readonly outbound: boolean
  readonly responderPort: number
  /** Unix ms. */
  readonly firstMs: number
  last: SocketReport
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
export class ConnectionTable {
  /** Connections that there was no room for. */
  refused = 0
  opened = 0
  readonly keys: FlowKeys
  readonly #max: number
  readonly #connections = new Map<string, Connection>()
  readonly #free: number[] = []
  #fresh = 0

  constructor ({ maxConnections, maxKeys, maxHalfOpenSources, seed }: TableLimits, own: OwnAddresses) {
    this.#max = maxConnections
    this.keys = new FlowKeys(maxConnections, maxKeys, maxHalfOpenSources, seed, own)
  }

  get live (): number {
    return this.#connections.size
  }

  /** Null where it is new; one whose ports have been taken by another socket meanwhile is closed. */
  find (socket: SocketReport): Connection | null {
    const known = this.#connections.get(socketId(socket))
    if (known === undefined) return null
    if (known.cookie === socket.cookie) return known
    this.close(known)
    return null
  }

  /** Null where there is no room. */
  open (socket: SocketReport, outbound: boolean, firstMs: number): Connection | null {
    const slot = this.#free.pop() ?? (this.#fresh < this.#max ? this.#fresh++ : -1)
    if (slot < 0) {
      this.refused++
      return null
    }
    const unproven = socket.state === 'SYN-RECV'
    const responderPort = (outbound ? socket.peer : socket.local).port
    const connection: Connection = {
      slot,
      cookie: socket.cookie,
      outbound,
      responderPort,
      firstMs,
      last: socket,
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
    this.#connections.set(socketId(socket), connection)
    this.opened++
    return connection
  }

  /** Its source has finished the handshake: it holds its keys by right. */
  prove (connection: Connection, atMs: number): void {
    connection.unproven = false
    this.keys.prove(connection.slot, atMs, (_, to) => copyEnds(connection, to))
  }

  close (connection: Connection): void {
    this.#connections.delete(socketId(connection.last))
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
