import { ADDRESS_WORDS, parseAddress } from '../../src/core/flow/address.ts'
import { PROTOCOLS } from '../../src/core/flow/packet.ts'
import { isServicePort } from '../../src/core/flow/service-ports.ts'
import { FAN_IN } from '../../src/core/window/key-table.ts'
import { SUM } from '../../src/core/window/lane.ts'
import { OwnAddresses } from '../../src/core/window/own-addresses.ts'
import { QUALITY, STEPS_MS, type StepMs, type Window } from '../../src/core/window/window.ts'
import { addTally, ConnectionCells } from '../connections/connection-cells.ts'
import { ConnectionTable, type Connection, type ConnectionEnd, type TableLimits } from '../connections/connection-table.ts'
import { StepLanes } from '../connections/step-lanes.ts'
import { less, most, NOTHING } from '../connections/tally.ts'
import { ageMs, endOf, outcomeOf, quietMs, tallyOf, type End } from './connection.ts'
import { grown, type KernelCounters } from './kernel-counters.ts'
import { socketId, type SocketReport } from './socket-report.ts'
import { TakenByProxy } from './taken-by-proxy.ts'

const STEP_MS = STEPS_MS[0]

export interface SocketWindowsOptions extends Partial<TableLimits> {
  /** The pod's own; the kernel's counters of the whole pod are told under the first. Throws BAD_DATA where one is no address. */
  readonly ownAddresses: readonly string[]
  /** Sockets that belong to no window: the observer's own. */
  readonly ignores?: (socket: SocketReport) => boolean
  /** The port of the pod's proxy to which the pod's own connections are redirected; null or absent where they are not. */
  readonly outboundPort?: number | null
}

/** What one look at the kernel gave. */
export interface Look {
  /** Unix ms at which the snapshot was taken. */
  readonly atMs: number
  /** Sockets that have ended since the last look, each with the Unix ms at which that was heard. */
  readonly ended: readonly { readonly socket: SocketReport, readonly atMs: number }[]
  readonly sockets: readonly SocketReport[]
  /** Whether `sockets` has those in TIME-WAIT, too. */
  readonly hasTimeWait: boolean
  readonly counters: KernelCounters
}

interface Met {
  readonly socket: SocketReport
  readonly atMs: number
  readonly beganMs: number
  readonly weClosed: boolean | null
  readonly isEnd: boolean
}

const DEFAULTS: TableLimits = { maxConnections: 32_768, maxKeys: 8_192, maxHalfOpenSources: 256, seed: 0x5eed }
/** A connection has passed by when two looks in a row did not meet it: its end may be heard after the first. */
const PATIENCE_LOOKS = 1

/** Looks at the kernel's sockets to windows of the same meaning as those of packets, for one pod. Time comes from the looks. */
export class SocketWindows {
  /** What the sockets have counted as packets. */
  packets = 0
  readonly #own: OwnAddresses
  readonly #ownWords: Int32Array
  readonly #ignores: (socket: SocketReport) => boolean
  readonly #taken: TakenByProxy
  readonly #table: ConnectionTable<SocketReport>
  readonly #lanes: StepLanes
  readonly #cells: ConnectionCells
  #listening: ReadonlySet<string> = new Set()
  #last: Look | null = null
  #looks = 0
  /** Resets since the last look that sockets account for. */
  #resets = 0

  constructor (options: SocketWindowsOptions) {
    this.#own = new OwnAddresses(options.ownAddresses)
    this.#ownWords = parseAddress(options.ownAddresses[0] ?? '') ?? new Int32Array(ADDRESS_WORDS)
    this.#ignores = options.ignores ?? (() => false)
    this.#taken = new TakenByProxy(options.outboundPort ?? null)
    this.#table = new ConnectionTable({ ...DEFAULTS, ...options }, this.#own, socketId)
    this.#lanes = new StepLanes(this.#table.keys.table, QUALITY.iatEstimated | QUALITY.flagsMissing)
    this.#cells = new ConnectionCells(this.#table.keys, this.#lanes)
  }

  /** Cumulative, but `live`. `refused`: connections and keys that the tables had no room for. */
  get stats (): { readonly flows: number, readonly live: number, readonly refused: number, readonly windows: number } {
    return { flows: this.#table.opened, live: this.#table.live, refused: this.#table.refused + this.#table.keys.refused, windows: this.#lanes.windows }
  }

  /** Number of the newest closed window of a step; -1 before any. */
  lastClosed (stepMs: StepMs): number {
    return this.#lanes.lastClosed(stepMs)
  }

  /**
   * Takes a look in, and closes the windows that end at or before `untilMs`, the boundary that the look was taken for. What happened
   * since the last look counts in the newest of them: where looks are more than a step apart, those between stay empty.
   */
  take (look: Look, untilMs: number): Window[] {
    const number = Math.floor(untilMs / STEP_MS)
    const closed = this.#lanes.reach(number - 1)
    const listening = new Set(look.sockets.filter(({ state }) => state === 'LISTEN').map(({ local }) => endText(local)))
    this.#listening = new Set([...listening, ...this.#listening]) // a server that has gone since the last look had listened, too
    this.#looks++
    const strain = this.stats.refused
    this.#takeSockets(look)
    this.#table.closeUnmet(this.#looks - PATIENCE_LOOKS)
    this.#takeCounters(look)
    if (this.stats.refused > strain) this.#lanes.mark(QUALITY.tablesFull)
    this.#listening = listening
    this.#last = look
    closed.push(...this.#lanes.reach(number))
    return closed
  }

  #takeSockets ({ ended, sockets, atMs, hasTimeWait }: Look): void {
    const timeWait = hasTimeWait ? new Set(sockets.filter(({ state }) => state === 'TIME-WAIT').map(socketId)) : null
    this.#taken.meet([...ended.map(({ socket }) => socket), ...sockets], this.#looks)
    const gone = new Set(ended.map(({ socket }) => socket.cookie))
    const met = [
      ...ended.map(({ socket, atMs }) => ({ socket, atMs, weClosed: timeWait === null ? null : timeWait.has(socketId(socket)), isEnd: true })),
      ...sockets.filter((socket) => isUnderWay(socket) && !gone.has(socket.cookie)).map((socket) => ({ socket, atMs, weClosed: null, isEnd: false })),
    ].filter(({ socket }) => this.#concernsUs(socket)).map((each) => ({ ...each, beganMs: this.#beganAt(each.socket, each.atMs) }))
    // In the order of their beginnings, between which the gaps are; a socket that takes an ended one's ports has begun after it.
    for (const each of met.sort((a, b) => a.beganMs - b.beganMs)) this.#meet(each)
  }

  #meet ({ socket, atMs, beganMs, weClosed, isEnd }: Met): void {
    const connection = this.#table.find(socket) ?? this.#open(socket, beganMs)
    if (connection === null) return
    connection.look = this.#looks
    connection.last = socket
    if (connection.unproven && socket.state !== 'SYN-RECV') this.#table.prove(connection, atMs)
    if (socket.protocol === 'udp') this.#countDatagrams(connection)
    else this.#count(connection, atMs, isEnd ? endOf(socket, connection.outbound) : null, weClosed)
    if (isEnd) this.#table.close(connection)
  }

  #open (socket: SocketReport, beganMs: number): Connection<SocketReport> | null {
    const outbound = this.#isOutbound(socket)
    const connection = this.#table.open(socket, { outbound, protocol: PROTOCOLS[socket.protocol], unproven: socket.state === 'SYN-RECV', firstMs: beganMs })
    if (connection === null) return null
    if (this.#last !== null) {
      this.#cells.begin(connection)
      return connection
    }
    // What was there before the first look neither begins now, nor is what it has counted of now.
    connection.tally = tallyOf(socket, outbound, null)
    connection.counted = true
    return connection
  }

  #count (connection: Connection<SocketReport>, atMs: number, end: End | null, weClosed: boolean | null): void {
    const { last, outbound, firstMs } = connection
    const tally = tallyOf(last, outbound, end)
    const more = less(tally, connection.tally)
    connection.tally = most(tally, connection.tally)
    this.packets += more.sentPackets + more.receivedPackets
    if (end === 'reset') this.#resets++
    if (!connection.counted || more.sentPackets + more.receivedPackets > 0) {
      connection.counted = true
      this.#cells.add(connection, more, Math.max(firstMs, atMs - quietMs(last)))
    }
    this.#cells.decide(connection, outcomeOf(last, outbound, atMs - firstMs, end, weClosed))
  }

  /** The kernel counts neither datagrams nor bytes of a UDP socket: that it was there is all. */
  #countDatagrams (connection: Connection<SocketReport>): void {
    if (connection.counted) return
    connection.counted = true
    this.#lanes.mark(QUALITY.bytesEstimated)
    this.#cells.add(connection, NOTHING, connection.firstMs)
  }

  /** What left no socket, and so belongs to nobody that is known: it counts in the pod's fan-in. */
  #takeCounters ({ counters }: Look): void {
    const before = this.#last?.counters
    const resets = this.#resets
    this.#resets = 0
    if (before === undefined) return
    const strays = Math.max(0, grown(before, counters, 'Tcp.OutRsts') - resets)
    const cookies = grown(before, counters, 'TcpExt.SyncookiesSent')
    const drops = grown(before, counters, 'TcpExt.TCPReqQFullDrop')
    if (strays + cookies + drops === 0) return
    const ends = new Int32Array(2 * ADDRESS_WORDS)
    ends.set(this.#ownWords, ADDRESS_WORDS)
    const key = this.#table.keys.table.take(FAN_IN, ends, this.#lanes.number * STEP_MS)
    if (key < 0) return
    const { lane } = this.#lanes
    const cell = lane.cell(key)
    // A segment without a socket was answered by a reset; a SYN by a cookie, or not at all.
    addTally(lane, cell, { ...NOTHING, sentPackets: strays + cookies + drops, receivedPackets: strays + cookies, syn: cookies + drops, ack: strays + cookies, rst: strays })
    for (const column of [SUM.flows, SUM.flows15, SUM.flows60]) lane.add(cell, column, cookies + drops)
    lane.add(cell, SUM.halfOpen, Math.max(0, cookies - grown(before, counters, 'TcpExt.SyncookiesRecv')))
    lane.add(cell, SUM.unanswered, drops)
    lane.seenAt(cell, this.#lanes.number * STEP_MS)
  }

  #concernsUs (socket: SocketReport): boolean {
    const { local, peer } = socket
    if (local.address === null || peer.address === null || peer.port === 0) return false
    return this.#own.has(local.address, 0) && !this.#own.has(peer.address, 0) && !this.#taken.has(socket) && !this.#ignores(socket)
  }

  #isOutbound ({ protocol, state, local, peer }: SocketReport): boolean {
    if (protocol === 'udp') return !(isServicePort(local.port) && !isServicePort(peer.port))
    if (state === 'SYN-SENT' || state === 'SYN-RECV') return state === 'SYN-SENT'
    return !this.#listening.has(endText(local)) && !this.#listening.has(endText({ address: null, port: local.port }))
  }

  /** As early as the socket says, but not before the last look, which did not meet it. */
  #beganAt (socket: SocketReport, atMs: number): number {
    return Math.max(this.#last?.atMs ?? 0, atMs - ageMs(socket, this.#isOutbound(socket)))
  }
}

/** An address and port that is listened on; any address is one word for both families. */
const endText = ({ address, port }: ConnectionEnd): string =>
  `${address === null || (address[3] === 0 && address[1] === 0 && address[0] === 0) ? '*' : address.join()} ${port}`

/** Neither a listener, nor one that has yet to be connected, nor one that the kernel keeps for its ports alone (it counts nothing). */
function isUnderWay ({ protocol, state, counts }: SocketReport): boolean {
  if (state === 'LISTEN' || state === 'UNCONN' || state === 'TIME-WAIT') return false
  return protocol === 'udp' || state === 'SYN-SENT' || state === 'SYN-RECV' || counts.segs_in + counts.segs_out > 0
}
