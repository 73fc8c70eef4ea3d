import { setImmediate } from 'node:timers/promises'
import { CONTEXT_COLUMNS } from '../core/tensor/context.ts'
import { TENSOR_SIZE } from '../core/tensor/tensor-table.ts'
import type { Window } from '../core/window/window.ts'
import type { ModelSeat } from './model-seat.ts'
import { TensorTables } from './tensor-tables.ts'

/** Rows a run: 32 take half a millisecond and hold the event loop so long; more gain almost nothing a row. */
const MAX_ROWS = 32

/** Windows of one message that wait to be scored, in order. */
export interface Incoming {
  /** SPIFFE ID of the observer. */
  readonly reporter: string
  /** Whose tensors they go to: one name a live observer, one a boot of a replay, so that a recording can be played twice. */
  readonly lane: string
  readonly replay: boolean
  readonly simulated: boolean
  readonly windows: readonly Window[]
  readonly receivedAtMs: number
  /** They fill the tensors only: an earlier detector has scored them. */
  readonly resent: boolean
  /** What those who follow are told beside its scores when it is settled: it waits for them, too, where it has no window, and takes as much room. */
  readonly counts: number
  /** Called once, when every window was scored and published. */
  readonly settled: () => void
}

/** One window with its score. The views are of buffers that the next round overwrites: copy what is kept. */
export interface ScoredRow {
  readonly incoming: Incoming
  readonly window: Window
  readonly probabilities: Float32Array
  readonly tensor: Float32Array
  readonly context: Float32Array
  /** Flows of the tensor's windows whose source is not known to be real. */
  readonly unproved: number
}

export interface ScoringOptions {
  readonly seat: ModelSeat
  readonly maxKeys: number
  readonly publish: (rows: readonly ScoredRow[]) => void
  /** A run of the scorer failed; its windows have no score. */
  readonly failed: (rows: number, error: unknown) => void
  /** Resolves when a round may be scored. */
  readonly permit: () => Promise<void>
  /** A round is over, and less waits than before. */
  readonly rested: () => void
}

interface Row { readonly incoming: Incoming, readonly window: Window, readonly unproved: number }

/**
 * Takes windows into tensors and scores them, in the order of their arrival, up to 32 at a time. Nothing waits for a
 * batch to fill: a round takes what arrived while the one before ran, so batches grow with the load alone.
 */
export class ScoringLoop {
  readonly #options: ScoringOptions
  readonly #tables: TensorTables
  readonly #tensors = new Float32Array(MAX_ROWS * TENSOR_SIZE)
  readonly #contexts = new Float32Array(MAX_ROWS * CONTEXT_COLUMNS.length)
  #queue: Incoming[] = []
  /** Windows of the queue's head that were taken. */
  #taken = 0
  #waiting = 0
  #running: Promise<void> | null = null

  constructor (options: ScoringOptions) {
    this.#options = options
    this.#tables = new TensorTables(options.maxKeys)
  }

  /** Windows and counts that wait. */
  get waiting (): number {
    return this.#waiting
  }

  get keys (): number {
    return this.#tables.size
  }

  /** Tensors that were given up for want of room. */
  get evicted (): number {
    return this.#tables.evicted
  }

  /** As TensorTables.held, of the windows that were taken so far. */
  held (...of: Parameters<TensorTables['held']>): ReturnType<TensorTables['held']> {
    return this.#tables.held(...of)
  }

  add (incoming: Incoming): void {
    this.#queue.push(incoming)
    this.#waiting += incoming.windows.length + incoming.counts
    this.#running ??= this.#run()
  }

  /** Lets go of everything that waits, unscored. */
  stop (): void {
    this.#queue = []
    this.#taken = 0
    this.#waiting = 0
  }

  /** Resolves when nothing waits. */
  async idle (): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  async #run (): Promise<void> {
    do {
      // First let the sockets be read, so that what has arrived goes into this round.
      await setImmediate()
      if (this.#waiting > 0) await this.#options.permit()
      await this.#round()
    } while (this.#queue.length > 0)
    this.#running = null
  }

  async #round (): Promise<void> {
    const rows: Row[] = []
    const settled = this.#take(rows)
    if (rows.length > 0) await this.#score(rows)
    for (const incoming of settled) incoming.settled()
    this.#options.rested()
  }

  /** Fills `rows`, writing their tensors, and says which messages end with them. */
  #take (rows: Row[]): Incoming[] {
    let done = 0
    for (; done < this.#queue.length; done++) {
      const incoming = this.#queue[done]
      if (incoming === undefined) break
      while (this.#taken < incoming.windows.length && rows.length < MAX_ROWS) {
        const window = incoming.windows[this.#taken++]
        const unproved = window === undefined ? null : this.#fill(incoming, window, rows.length)
        if (window !== undefined && unproved !== null) rows.push({ incoming, window, unproved })
        this.#waiting--
      }
      if (this.#taken < incoming.windows.length) break
      this.#taken = 0
      this.#waiting -= incoming.counts
    }
    return this.#queue.splice(0, done)
  }

  /** Takes the window into its tensor. Where that is to be scored, writes it into row `row` and gives its unproved flows; else null. */
  #fill ({ lane, replay, resent }: Incoming, window: Window, row: number): number | null {
    const view = this.#tables.push(lane, replay, window)
    if (view === null || resent) return null
    view.writeTensor(this.#tensors, row * TENSOR_SIZE)
    view.writeContext(this.#contexts, row * CONTEXT_COLUMNS.length)
    return view.unproved()
  }

  async #score (rows: readonly Row[]): Promise<void> {
    const { seat, publish, failed } = this.#options
    const [tensors, contexts] = [this.#tensors.subarray(0, rows.length * TENSOR_SIZE), this.#contexts.subarray(0, rows.length * CONTEXT_COLUMNS.length)]
    try {
      await seat.score(rows.length, tensors, contexts, (probabilities, { classes: { length: width } }) => publish(rows.map(({ incoming, window, unproved }, row) => ({
        incoming,
        window,
        unproved,
        probabilities: probabilities.subarray(row * width, (row + 1) * width),
        tensor: tensors.subarray(row * TENSOR_SIZE, (row + 1) * TENSOR_SIZE),
        context: contexts.subarray(row * CONTEXT_COLUMNS.length, (row + 1) * CONTEXT_COLUMNS.length),
      }))))
    } catch (error) {
      failed(rows.length, error)
    }
  }
}
