import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { ServerWritableStream } from '@grpc/grpc-js'
import type { Known } from '../core/drift/known.ts'
import type { FlowSighting } from '../core/history/sighting.ts'
import type { Comparison } from '../core/model/comparison.ts'
import type { ModelStanding } from '../core/model/standing.ts'
import type { RestrictionCount } from '../core/mitigation/restriction-count.ts'
import type { Score } from '../core/verdict/score.ts'
import type { Clock } from '../ports/clock.ts'
import type { ModelInfo } from '../ports/scorer.ts'
import { encodeFlows } from '../wire/flow-columns.ts'
import { type KnownSchema, WatchEventSchema, type WatchEvent, type WatchRequest } from '../wire/gen/scores_pb.ts'
import type { Malformed } from '../wire/method.ts'
import { apart, encodeRestrictionCount } from '../wire/restriction-counts.ts'
import { encodeScores } from '../wire/scores.ts'
import { wait } from '../wire/wait.ts'
import type { ScoredRow } from './scoring-loop.ts'
import { TRAFFIC_STEP_MS } from './traffic.ts'

export type WatchCall = ServerWritableStream<WatchRequest | Malformed, WatchEvent>
type Event = NonNullable<MessageInitShape<typeof WatchEventSchema>['event']>

interface WatchersOptions {
  /** The first of its classes is no attack. */
  readonly model: ModelInfo
  /** Events that may wait for one watcher. */
  readonly maxQueued: number
  readonly holdMs: number
  readonly clock: Clock
}

/** Scores in one event, about 300 KB. */
const MAX_EVENT_SCORES = 256
/** Counts or flows in one event, of some 40 bytes each. */
const MAX_EVENT_ROWS = 4_096

/** Everyone who follows the scores. */
export class Watchers {
  /** Events that were lost by watchers that read too slowly. */
  lost = 0
  readonly #watchers = new Set<Watcher>()
  #model: ModelInfo
  #standing: ModelStanding | null = null
  #comparison: Comparison | null = null
  readonly #maxQueued: number
  readonly #holdMs: number
  readonly #clock: Clock
  #emptySinceMs: number
  #arrival = Promise.withResolvers<undefined>()

  constructor ({ model, maxQueued, holdMs, clock }: WatchersOptions) {
    this.#model = model
    this.#maxQueued = maxQueued
    this.#holdMs = holdMs
    this.#clock = clock
    this.#emptySinceMs = clock.now()
  }

  get size (): number {
    return this.#watchers.size
  }

  /** Serves the call until its client goes. */
  add (call: WatchCall, { floor, everyKey }: Pick<WatchRequest, 'floor' | 'everyKey'>): void {
    const watcher: Watcher = new Watcher(call, { floor, everyKey, maxQueued: this.#maxQueued, onLost: () => { this.lost++ } })
    this.#watchers.add(watcher)
    this.#arrival.resolve(undefined)
    call.on('cancelled', () => this.#remove(watcher))
    call.on('close', () => this.#remove(watcher))
    watcher.send({ event: { case: 'synced', value: encodeModel(this.#model) } })
    if (this.#standing !== null) watcher.send({ event: { case: 'models', value: encodeStanding(this.#standing) } })
    if (this.#comparison !== null) watcher.send({ event: { case: 'comparison', value: encodeComparison(this.#comparison) } })
  }

  /** Scores that are published from now on are another model's. */
  setModel (model: ModelInfo): void {
    this.#model = model
    this.tell({ case: 'synced', value: encodeModel(model) })
  }

  /** What is scored with, and what is refused; those who come later are told it, too. */
  tellModels (standing: ModelStanding): void {
    this.#standing = standing
    this.tell({ case: 'models', value: encodeStanding(standing) })
  }

  /** What model and candidate said of the same windows; those who come later are told it, too. */
  tellComparison (comparison: Comparison): void {
    this.#comparison = comparison
    this.tell({ case: 'comparison', value: encodeComparison(comparison) })
  }

  /**
   * Resolves when somebody follows the scores, or nobody has for `holdMs`: a controller that restarts, or that comes back
   * later than the observers after a restart of the detector, misses nothing. Later ones miss what came before.
   */
  async permit (): Promise<void> {
    const leftMs = this.#holdMs - (this.#clock.now() - this.#emptySinceMs)
    if (this.size > 0 || leftMs <= 0) return
    const over = new AbortController()
    await Promise.race([this.#arrival.promise, wait(leftMs, over.signal)])
    over.abort() // the timer
  }

  /** Hands on what is of interest; copies what it keeps. */
  publish (rows: readonly ScoredRow[]): void {
    for (const watcher of this.#watchers) {
      const wanted = rows.filter((row) => watcher.wants(row, 1 - (row.probabilities[0] ?? 0)))
      if (wanted.length > 0) watcher.send({ scores: wanted.map(scoreOf) })
    }
  }

  /** Hands on what proxies logged. */
  restricted (counts: readonly RestrictionCount[]): void {
    for (const watcher of this.#watchers) watcher.send({ restrictions: [...counts] })
  }

  /** Hands on what pairs did. */
  saw (sightings: readonly FlowSighting[]): void {
    for (const watcher of this.#watchers) watcher.send({ flows: [...sightings] })
  }

  tell (event: Event): void {
    for (const watcher of this.#watchers) watcher.send({ event })
  }

  #remove (watcher: Watcher): void {
    if (!this.#watchers.delete(watcher) || this.size > 0) return
    this.#emptySinceMs = this.#clock.now()
    this.#arrival = Promise.withResolvers()
  }

  /** Ends every stream with a status, and every wait for a watcher. */
  end (status: { code: number, details: string }): void {
    for (const watcher of this.#watchers) watcher.end(status)
    this.#watchers.clear()
    this.#arrival.resolve(undefined)
  }
}

interface WatcherOptions {
  readonly floor: number
  readonly everyKey: boolean
  readonly maxQueued: number
  readonly onLost: () => void
}

/** What waits for a watcher: the scores of one round, the counts or flows of a few batches, or another event. */
type Entry = { readonly scores: readonly Score[] } | { readonly restrictions: RestrictionCount[] } | { readonly flows: FlowSighting[] } | { readonly event: Event }

/**
 * One write is under way at a time, and what comes meanwhile goes into the next: a write takes a turn of the event loop
 * however small it is, so events grow with the load, as rounds of scoring do.
 */
class Watcher {
  readonly #call: WatchCall
  readonly #options: WatcherOptions
  readonly #queue: Entry[] = []
  #lost = 0
  #writing = false

  constructor (call: WatchCall, options: WatcherOptions) {
    this.#call = call
    this.#options = options
  }

  wants ({ window }: ScoredRow, attack: number): boolean {
    return attack >= this.#options.floor || (this.#options.everyKey && window.stepMs === TRAFFIC_STEP_MS)
  }

  send (entry: Entry): void {
    const last = this.#queue.at(-1)
    // Counts and flows take no place of their own: those of a thousand pods would push the scores out.
    if (last !== undefined && joined(last, entry)) return // something is being written, or it would not wait
    if (this.#queue.push(entry) > this.#options.maxQueued) {
      // Which model scores is never lost: scores would be taken for those of another.
      const oldest = this.#queue.findIndex((waiting) => !('event' in waiting) || waiting.event.case === 'traffic')
      this.#queue.splice(Math.max(oldest, 0), 1)
      this.#lost++
      this.#options.onLost()
    }
    if (!this.#writing) this.#writeNext()
  }

  end (status: { code: number, details: string }): void {
    this.#call.emit('error', status)
  }

  #writeNext (): void {
    const event = this.#next()
    if (event === null) return
    this.#writing = true
    this.#call.write(create(WatchEventSchema, { event, lost: BigInt(this.#lost) }), (error: Error | null | undefined) => {
      this.#writing = false
      if (!(error instanceof Error)) this.#writeNext()
    })
  }

  #next (): Event | null {
    const entry = this.#queue.shift()
    if (entry === undefined) return null
    if ('event' in entry) return entry.event
    if ('restrictions' in entry) return { case: 'restrictions', value: encodeRestrictions(entry.restrictions) }
    if ('flows' in entry) return { case: 'flows', value: encodeFlows(entry.flows) }
    const scores = [...entry.scores]
    for (let next = this.#queue[0]; next !== undefined && 'scores' in next && scores.length < MAX_EVENT_SCORES; next = this.#queue[0]) {
      scores.push(...next.scores)
      this.#queue.shift()
    }
    return { case: 'scores', value: encodeScores(scores) }
  }
}

/** Adds counts or flows to such that wait already, where they have room. */
function joined (last: Entry, entry: Entry): boolean {
  if ('restrictions' in entry && 'restrictions' in last && last.restrictions.length + entry.restrictions.length <= MAX_EVENT_ROWS) last.restrictions.push(...entry.restrictions)
  else if ('flows' in entry && 'flows' in last && last.flows.length + entry.flows.length <= MAX_EVENT_ROWS) last.flows.push(...entry.flows)
  else return false
  return true
}

/** A score of its own: the row's views are overwritten by the next round. */
function scoreOf ({ incoming, window, probabilities, tensor, context, unproved }: ScoredRow): Score {
  const { reporter, receivedAtMs, simulated } = incoming
  return {
    reporter,
    key: window.key,
    stepMs: window.stepMs,
    windowNumber: window.number,
    probabilities: probabilities.slice(),
    tensor: tensor.slice(),
    context: context.slice(),
    unproved,
    window,
    receivedAtMs,
    simulated,
  }
}

function encodeRestrictions (counts: readonly RestrictionCount[]): Extract<Event, { case: 'restrictions' }>['value'] {
  const { sourced, everybody } = apart(counts)
  const encode = (count: RestrictionCount) => ({ podUid: count.podUid, count: encodeRestrictionCount(count) })
  return { counts: sourced.map(encode), everybody: everybody.map(encode) }
}

const encodeComparison = (comparison: Comparison): Extract<Event, { case: 'comparison' }>['value'] => ({ json: JSON.stringify(comparison) })

const encodeStanding = ({ sequence, current, shadow, refused, by, reason, installed, classes }: ModelStanding): Extract<Event, { case: 'models' }>['value'] =>
  ({ sequence, current, shadow: shadow ?? '', refused: refused.map(({ version, message }) => ({ version, message })), by, reason, installed: [...installed ?? []], classes: [...classes ?? []] })

const encodeKnown = ({ shares, limit }: Known): MessageInitShape<typeof KnownSchema> => ({
  shares: shares.map((values) => ({ values: [...values] })),
  limit,
})

function encodeModel ({ version, classes, contextColumns, thresholds, usual, known, techniques = {} }: ModelInfo): Extract<Event, { case: 'synced' }>['value'] {
  return {
    version,
    classes: [...classes],
    contextColumns: [...contextColumns],
    thresholds: [...thresholds],
    usual: Object.fromEntries(Object.entries(usual).map(([key, features]) => [key, { features: [...features] }])),
    ...(known !== null && { known: encodeKnown(known) }),
    techniques: Object.fromEntries(Object.entries(techniques).map(([name, { id, name: called }]) => [name, { id, name: called }])),
  }
}
