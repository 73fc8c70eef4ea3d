import { PROTOCOLS } from '../../src/core/flow/packet.ts'
import { OwnAddresses } from '../../src/core/window/own-addresses.ts'
import { QUALITY, STEPS_MS, type StepMs, type Window } from '../../src/core/window/window.ts'
import { ConnectionCells } from '../connections/connection-cells.ts'
import { ConnectionTable, type Connection, type ConnectionEnd, type Report, type TableLimits } from '../connections/connection-table.ts'
import { StepLanes } from '../connections/step-lanes.ts'
import { NOTHING } from '../connections/tally.ts'
import { grownBy, outcomeOf } from './log-tally.ts'
import type { ProxyEntry } from './proxy-entry.ts'
import { larger, RequestBytes, type Bytes } from './request-bytes.ts'

export interface LogWindowsOptions extends Partial<TableLimits> {
  /** The pod's own. Throws BAD_DATA where one is no address. */
  readonly ownAddresses: readonly string[]
  /** Connections that belong to no window: the observer's own. */
  readonly ignores?: (report: Report) => boolean
}

const STEP_MS = STEPS_MS[0]
const DEFAULTS: TableLimits = { maxConnections: 32_768, maxKeys: 8_192, maxHalfOpenSources: 256, seed: 0x5eed }
/** A TCP flow that is idle for 15 minutes is over (CONTRACTS): of one whose end was lost nothing more is heard. */
const IDLE_LOOKS = 15 * 60_000 / STEP_MS
/** How long the end of a connection may be heard before the last of its requests: two loggers have streams of their own. In looks, which no clock sets back. */
const LINGER_LOOKS = 2_000 / STEP_MS

/** Entries of a proxy's access log to windows of the same meaning as those of packets, for one pod. Time comes with the looks. */
export class LogWindows {
  /** What the connections would have been as packets. */
  packets = 0
  readonly #own: OwnAddresses
  readonly #ignores: (report: Report) => boolean
  readonly #table: ConnectionTable<ProxyEntry>
  readonly #lanes: StepLanes
  readonly #cells: ConnectionCells
  readonly #requests: RequestBytes
  /** Connections that have ended, by the look that heard it. */
  readonly #ended = new Map<string, number>()
  #looks = 0
  /** When the first look began, by a clock that may have been set back since. */
  #sinceMs = Infinity

  constructor (options: LogWindowsOptions) {
    const limits = { ...DEFAULTS, ...options }
    this.#own = new OwnAddresses(options.ownAddresses)
    this.#ignores = options.ignores ?? (() => false)
    this.#table = new ConnectionTable<ProxyEntry>(limits, this.#own, idOf)
    this.#lanes = new StepLanes(this.#table.keys.table, QUALITY.iatEstimated | QUALITY.flagsMissing | QUALITY.packetsEstimated)
    this.#cells = new ConnectionCells(this.#table.keys, this.#lanes)
    this.#requests = new RequestBytes(limits.maxConnections)
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
   * Takes in what was logged until `untilMs`, the boundary of a step, and closes the windows that end there or before. What was logged since
   * the last call counts in the newest of them.
   */
  take (entries: readonly ProxyEntry[], untilMs: number): Window[] {
    const number = Math.floor(untilMs / STEP_MS)
    const closed = this.#lanes.reach(number - 1)
    const strain = this.stats.refused
    this.#looks++
    this.#sinceMs = Math.min(this.#sinceMs, untilMs - STEP_MS)
    // In the order of their beginnings, between which the gaps are. A connection counts once a step, however much was said of it.
    const byConnection = Map.groupBy(entries.toSorted((one, other) => one.startMs - other.startMs), wholeId)
    for (const [id, [first, ...more]] of byConnection) if (first !== undefined) this.#meet(id, [first, ...more], untilMs)
    this.#forget()
    if (this.stats.refused > strain) this.#lanes.mark(QUALITY.tablesFull)
    closed.push(...this.#lanes.reach(number))
    return closed
  }

  #meet (id: string, entries: readonly [ProxyEntry, ...ProxyEntry[]], untilMs: number): void {
    const [first] = entries
    if (!this.#concernsUs(first) || this.#ended.has(id) || this.#ignores(fromOurSide(first, this.#isOwn(first.peer)))) return
    const connection = this.#table.find(first) ?? this.#open(first)
    if (connection === null) return
    connection.look = this.#looks
    const end = entries.find(({ kind }) => kind === 'ended')
    this.#count(connection, entries, end, untilMs)
    if (end === undefined) return
    this.#table.close(connection)
    this.#ended.set(id, this.#looks)
  }

  /** A proxy's listener has the responder's address, whoever of the two is ours. */
  #open (entry: ProxyEntry): Connection<ProxyEntry> | null {
    const connection = this.#table.open(entry, { outbound: false, protocol: PROTOCOLS.tcp, unproven: false, firstMs: entry.startMs })
    if (connection === null) return null
    if (entry.startMs >= this.#sinceMs) {
      this.#cells.begin(connection)
      return connection
    }
    // What was there before the first look neither begins now, nor is what it has counted of now.
    if (entry.stream === '') connection.tally = { ...NOTHING, sentBytes: entry.sentBytes, receivedBytes: entry.receivedBytes }
    connection.counted = true
    return connection
  }

  #count (connection: Connection<ProxyEntry>, entries: readonly [ProxyEntry, ...ProxyEntry[]], end: ProxyEntry | undefined, untilMs: number): void {
    const { firstMs, tally: before } = connection
    const { fate, brokenBy } = end ?? entries[0]
    const after = this.#bytes(entries, before)
    const more = grownBy({ sentBytes: after.sentBytes - before.sentBytes, receivedBytes: after.receivedBytes - before.receivedBytes }, !connection.counted, end)
    connection.tally = { ...before, ...after }
    const packets = more.sentPackets + more.receivedPackets
    this.packets += packets
    const lastMs = end?.endMs ?? Math.max(...entries.map(({ endMs }) => endMs ?? untilMs))
    if (packets > 0) this.#cells.add(connection, more, lastMs)
    connection.counted = true
    this.#cells.decide(connection, outcomeOf({ receivedBytes: after.receivedBytes, fate, brokenBy }, lastMs - firstMs, end !== undefined))
  }

  /** Requests tell their own bytes; the connection's, where it is told of, are all of them. */
  #bytes (entries: readonly ProxyEntry[], before: Bytes): Bytes {
    const requested = entries.filter(({ stream }) => stream !== '').reduce((bytes: Bytes, entry) => this.#requests.total(entry, bytes), before)
    return entries.filter(({ stream }) => stream === '').reduce((bytes: Bytes, entry) => larger(bytes, entry), requested)
  }

  #concernsUs ({ local, peer }: ProxyEntry): boolean {
    return this.#isOwn(local) !== this.#isOwn(peer)
  }

  #isOwn ({ address }: ConnectionEnd): boolean {
    return address !== null && this.#own.has(address, 0)
  }

  #forget (): void {
    this.#table.closeUnmet(this.#looks - IDLE_LOOKS)
    for (const [id, look] of this.#ended) {
      if (look > this.#looks - LINGER_LOOKS) return
      this.#ended.delete(id)
    }
  }
}

const fromOurSide = ({ local, peer, cookie }: Report, begunByUs: boolean): Report => begunByUs ? { local: peer, peer: local, cookie } : { local, peer, cookie }

/** A connection's ends, by which it is found again. */
const idOf = ({ local, peer }: Report): string => `${local.address?.join() ?? ''} ${local.port} ${peer.address?.join() ?? ''} ${peer.port}`
const wholeId = (entry: ProxyEntry): string => `${idOf(entry)} ${entry.cookie}`
