import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { ServerWritableStream } from '@grpc/grpc-js'
import type { Score } from '../core/verdict/score.ts'
import type { ModelInfo } from '../ports.ts'
import { WatchEventSchema, type WatchEvent, type WatchRequest } from '../wire/gen/scores_pb.ts'
import type { Malformed } from '../wire/method.ts'
import { encodeScores } from '../wire/scores.ts'
import type { ScoredRow } from './scoring-loop.ts'
import { TRAFFIC_STEP_MS } from './traffic.ts'

export type WatchCall = ServerWritableStream<WatchRequest | Malformed, WatchEvent>
type Event = NonNullable<MessageInitShape<typeof WatchEventSchema>['event']>

/** Everyone who follows the scores. */
export class Watchers {
  /** Events that were lost by watchers that read too slowly. */
  lost = 0
  readonly #watchers = new Set<Watcher>()
  readonly #model: ModelInfo
  readonly #maxQueued: number
  readonly #benign: number

  constructor ({ model, maxQueued }: { readonly model: ModelInfo, readonly maxQueued: number }) {
    this.#model = model
    this.#maxQueued = maxQueued
    this.#benign = model.classes.indexOf('BENIGN')
  }

  get size (): number {
    return this.#watchers.size
  }

  /** Serves the call until its client goes. */
  add (call: WatchCall, { floor, everyKey }: Pick<WatchRequest, 'floor' | 'everyKey'>): void {
    const watcher: Watcher = new Watcher(call, { floor, everyKey, maxQueued: this.#maxQueued, onLost: () => { this.lost++ } })
    this.#watchers.add(watcher)
    call.on('cancelled', () => this.#watchers.delete(watcher))
    call.on('close', () => this.#watchers.delete(watcher))
    watcher.send({ case: 'synced', value: encodeModel(this.#model) })
  }

  /** Hands on what is of interest; copies what it keeps. */
  publish (rows: readonly ScoredRow[]): void {
    for (const watcher of this.#watchers) {
      const wanted = rows.filter((row) => watcher.wants(row, 1 - (row.probabilities[this.#benign] ?? 0)))
      if (wanted.length > 0) watcher.send({ case: 'scores', value: encodeScores(wanted.map(scoreOf)) })
    }
  }

  tell (event: Event): void {
    for (const watcher of this.#watchers) watcher.send(event)
  }

  /** Ends every stream with a status. */
  end (status: { code: number, details: string }): void {
    for (const watcher of this.#watchers) watcher.end(status)
    this.#watchers.clear()
  }
}

interface WatcherOptions {
  readonly floor: number
  readonly everyKey: boolean
  readonly maxQueued: number
  readonly onLost: () => void
}

class Watcher {
  readonly #call: WatchCall
  readonly #options: WatcherOptions
  readonly #queue: Event[] = []
  #lost = 0
  #full = false

  constructor (call: WatchCall, options: WatcherOptions) {
    this.#call = call
    this.#options = options
    call.on('drain', () => this.#drain())
  }

  wants ({ window }: ScoredRow, attack: number): boolean {
    return attack >= this.#options.floor || (this.#options.everyKey && window.stepMs === TRAFFIC_STEP_MS)
  }

  send (event: Event): void {
    if (!this.#full) {
      this.#full = !this.#write(event)
      return
    }
    if (this.#queue.push(event) <= this.#options.maxQueued) return
    this.#queue.shift()
    this.#lost++
    this.#options.onLost()
  }

  end (status: { code: number, details: string }): void {
    this.#call.emit('error', status)
  }

  #drain (): void {
    let room = true
    while (room) {
      const event = this.#queue.shift()
      if (event === undefined) break
      room = this.#write(event)
    }
    this.#full = !room
  }

  /** Whether there is room for more. */
  #write (event: Event): boolean {
    return this.#call.write(create(WatchEventSchema, { event, lost: BigInt(this.#lost) }))
  }
}

function scoreOf ({ incoming, window, probabilities, tensor, context }: ScoredRow): Score {
  const { reporter, receivedAtMs, simulated } = incoming
  return { reporter, key: window.key, stepMs: window.stepMs, windowNumber: window.number, probabilities, tensor, context, window, receivedAtMs, simulated }
}

function encodeModel ({ version, classes, contextColumns, thresholds, usual }: ModelInfo): Extract<Event, { case: 'synced' }>['value'] {
  return {
    version,
    classes: [...classes],
    contextColumns: [...contextColumns],
    thresholds: [...thresholds],
    usual: Object.fromEntries(Object.entries(usual).map(([key, features]) => [key, { features: [...features] }])),
  }
}
