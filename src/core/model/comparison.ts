import { Type, type Static } from 'typebox'
import { LogHistogram } from './log-histogram.ts'

const count = (description: string) => Type.Integer({ minimum: 0, description })
const closed = { additionalProperties: false } as const
const Latency = Type.Object({
  p50Ms: Type.Union([Type.Number(), Type.Null()]),
  p99Ms: Type.Union([Type.Number(), Type.Null()]),
}, { ...closed, description: 'Of one run, of at most 32 windows, to within a tenth; null before the first.' })

/** What two models said of the same windows. */
export const Comparison = Type.Object({
  current: Type.String({ description: 'Version of the model whose scores count.' }),
  candidate: Type.String({ description: 'Version of the model that only scores beside it.' }),
  since: Type.String({ format: 'date-time' }),
  until: Type.String({ format: 'date-time', description: 'When this was written down.' }),
  windows: count('Windows that both scored.'),
  skipped: count('Windows that only the current one scored, so that the candidate takes a quarter of the time at most.'),
  failed: count('Windows that the candidate could not score.'),
  agreed: count('Windows of which both hold the same class most probable.'),
  alarms: Type.Record(Type.String(), Type.Object({
    current: count('Windows at or above its threshold by the current one.'),
    candidate: count('By the candidate, at its own threshold.'),
    both: count('By both.'),
  }, closed), { description: 'By class.' }),
  difference: Type.Object({
    mean: Type.Number(), p99: Type.Union([Type.Number(), Type.Null()]), max: Type.Number(),
  }, { ...closed, description: 'How far apart the two are in the probability of an attack, 0 to 1.' }),
  latency: Type.Object({ current: Latency, candidate: Latency }, closed),
}, { $id: 'ModelComparison', ...closed })
export type Comparison = Static<typeof Comparison>

/** What a comparison needs of a model; `ModelInfo` of ports/scorer.ts is one. The first class is no attack. */
export interface ComparedModel {
  readonly version: string
  readonly classes: readonly string[]
  readonly thresholds: readonly number[]
}

/** Microseconds to minutes. */
const latencies = (): LogHistogram => new LogHistogram({ least: 0.01, buckets: 160 })

interface Alarms { current: number, candidate: number, both: number }

/** Adds up what two models say of the same windows; bounded, however many there are. */
export class Comparer {
  readonly #current: ComparedModel
  readonly #candidate: ComparedModel
  readonly #sinceMs: number
  readonly #alarms: ReadonlyMap<string, Alarms>
  readonly #latency = { current: latencies(), candidate: latencies() }
  readonly #differences = new LogHistogram({ least: 0.0001, buckets: 100 })
  readonly #counts = { windows: 0, skipped: 0, failed: 0, agreed: 0 }
  #sum = 0
  #max = 0

  constructor (current: ComparedModel, candidate: ComparedModel, sinceMs: number) {
    this.#current = current
    this.#candidate = candidate
    this.#sinceMs = sinceMs
    const attacks = new Set([...current.classes.slice(1), ...candidate.classes.slice(1)])
    this.#alarms = new Map([...attacks].map((name) => [name, { current: 0, candidate: 0, both: 0 }]))
  }

  /** One run of each on the same rows: row-major probabilities and how long each took. */
  add (rows: number, current: Float32Array, candidate: Float32Array, took: { readonly currentMs: number, readonly candidateMs: number }): void {
    this.#latency.current.add(took.currentMs)
    this.#latency.candidate.add(took.candidateMs)
    const [ours, theirs] = [this.#current.classes.length, this.#candidate.classes.length]
    for (let row = 0; row < rows; row++) {
      this.#addRow(current.subarray(row * ours, (row + 1) * ours), candidate.subarray(row * theirs, (row + 1) * theirs))
    }
  }

  skip (rows: number): void {
    this.#counts.skipped += rows
  }

  fail (rows: number): void {
    this.#counts.failed += rows
  }

  told (nowMs: number): Comparison {
    const { windows } = this.#counts
    return {
      current: this.#current.version,
      candidate: this.#candidate.version,
      since: new Date(this.#sinceMs).toISOString(),
      until: new Date(nowMs).toISOString(),
      ...this.#counts,
      alarms: Object.fromEntries([...this.#alarms].map(([name, alarms]) => [name, { ...alarms }])),
      difference: { mean: windows === 0 ? 0 : this.#sum / windows, p99: this.#differences.quantile(0.99), max: this.#max },
      latency: { current: quantiles(this.#latency.current), candidate: quantiles(this.#latency.candidate) },
    }
  }

  #addRow (current: Float32Array, candidate: Float32Array): void {
    this.#counts.windows++
    if (this.#current.classes[largest(current)] === this.#candidate.classes[largest(candidate)]) this.#counts.agreed++
    // 1 less the probability of BENIGN, the first.
    const apart = Math.abs((current[0] ?? 0) - (candidate[0] ?? 0))
    this.#sum += apart
    this.#max = Math.max(this.#max, apart)
    this.#differences.add(apart)
    for (const [name, alarms] of this.#alarms) {
      const [ours, theirs] = [alarmed(this.#current, current, name), alarmed(this.#candidate, candidate, name)]
      alarms.current += ours
      alarms.candidate += theirs
      alarms.both += ours * theirs
    }
  }
}

/** 1 where the class is at its threshold, else 0; also where the model has no such class. */
function alarmed ({ classes, thresholds }: ComparedModel, probabilities: Float32Array, name: string): number {
  const index = classes.indexOf(name)
  return index > 0 && (probabilities[index] ?? 0) >= (thresholds[index] ?? 1) ? 1 : 0
}

const largest = (probabilities: Float32Array): number => probabilities.reduce((best, value, index) => value > (probabilities[best] ?? 0) ? index : best, 0)

const quantiles = (histogram: LogHistogram): Static<typeof Latency> => ({ p50Ms: histogram.quantile(0.5), p99Ms: histogram.quantile(0.99) })
