import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../../core/errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import type { Checkpoints } from '../../ports/object-store.ts'
import type { Log } from '../log.ts'
import { atEachBeat, type Every } from './beats.ts'
import type { Keep } from './held-records.ts'

export interface FailOpenWatchParts {
  readonly api: KubernetesApi
  readonly keep: Keep
  readonly checkpoints: Checkpoints
  readonly clock: Clock
  readonly every: Every
  readonly log: Log
}

const CHECKPOINT = 'admission-fail-open'
const POLL_MS = 30_000
/** API servers behind one address; they are told apart by when they started. */
const MAX_SERVERS = 16

/** By the start of an API server, in Unix seconds as it says it: how many requests it let pass, and when that was read. */
const Readings = Type.Record(Type.String(), Type.Object({ count: Type.Number(), atMs: Type.Number() }))
type Readings = Static<typeof Readings>
const readings = Compile(Readings)

/** One reading of the metrics: which server, and how often it let a request pass one of AutoShield's webhooks. */
export interface FailOpenReading {
  readonly server: string
  readonly count: number
}

const FAIL_OPEN = /^apiserver_admission_webhook_fail_open_count\{(?<labels>[^}]*)\} (?<value>[0-9.e+]+)$/gm
const STARTED = /^process_start_time_seconds (?<value>[0-9.e+]+)$/m

/** Reads the text format of Prometheus as far as it is needed; null where it is not an API server's. */
export function readFailOpen (metrics: string): FailOpenReading | null {
  const started = STARTED.exec(metrics)?.groups?.['value']
  if (started === undefined) return null
  let count = 0
  for (const { groups } of metrics.matchAll(FAIL_OPEN)) {
    const name = /(?:^|,)name="(?<name>[^"]*)"/.exec(groups?.['labels'] ?? '')?.groups?.['name'] ?? ''
    if (name.endsWith('.autoshield.dev')) count += Number(groups?.['value'])
  }
  return { server: started, count }
}

/**
 * Follows how often the API server let a request pass because a webhook of AutoShield did not answer: each such step is a
 * gap in the record, with its count and its span. With several API servers behind one address each is met in turn, so a
 * gap shows as soon as the server that had it is met again.
 */
export class FailOpenWatch {
  readonly #parts: FailOpenWatchParts
  #readings: Readings = {}
  #isRefused = false

  constructor (parts: FailOpenWatchParts) {
    this.#parts = parts
  }

  async run (signal: AbortSignal): Promise<void> {
    const saved = this.#parts.checkpoints.load(CHECKPOINT)
    if (readings.Check(saved)) this.#readings = { ...saved }
    await this.look()
    await atEachBeat(this.#parts.every, POLL_MS, signal, async () => this.look())
  }

  /** Reads once. Never rejects: what cannot be read is said once, and read again later. */
  async look (): Promise<void> {
    const { api, log } = this.#parts
    try {
      const reading = readFailOpen(await api.text('/metrics'))
      if (reading !== null) await this.#take(reading)
      this.#isRefused = false
    } catch (error) {
      if (!this.#isRefused) log.warn({ err: AutoshieldError.from(error) }, 'the API server\'s metrics cannot be read; what passed while the webhook was away is not counted')
      this.#isRefused = true
    }
  }

  async #take ({ server, count }: FailOpenReading): Promise<void> {
    const { clock, keep, checkpoints } = this.#parts
    const nowMs = clock.now()
    const before = this.#readings[server]
    const lastMs = Math.max(0, ...Object.values(this.#readings).map(({ atMs }) => atMs))
    const startedMs = Number(server) * 1000
    // A server that started since we last looked began at nothing; one that is older was never met: from here on, then.
    const missed = before !== undefined ? count - before.count : lastMs > 0 && startedMs > lastMs ? count : 0
    if (missed > 0) {
      const fromMs = before?.atMs ?? startedMs
      keep([{ gap: { cause: 'fail-open', count: missed, from: new Date(fromMs).toISOString(), until: new Date(Math.max(fromMs, nowMs)).toISOString() }, origin: null }])
    }
    const kept = Object.entries(this.#readings).filter(([other]) => other !== server).sort(([, a], [, b]) => b.atMs - a.atMs).slice(0, MAX_SERVERS - 1)
    this.#readings = { [server]: { count, atMs: nowMs }, ...Object.fromEntries(kept) }
    await checkpoints.save(CHECKPOINT, this.#readings)
  }
}
