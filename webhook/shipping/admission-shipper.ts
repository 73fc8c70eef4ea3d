import { Compile } from 'typebox/compile'
import { type AdmissionGap, AdmissionReceipt } from '../../src/core/admission/batch.ts'
import type { AdmissionEntry } from '../../src/core/admission/entry.ts'
import { backoffMs, type Backoff } from '../../src/core/backoff.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { Identity } from '../../src/core/identity.ts'
import type { AdmissionLog } from '../../src/ports/admission.ts'
import type { CredentialSource } from '../../src/ports/identity.ts'
import { wait } from '../../src/wire/wait.ts'
import { ControllerClient } from './controller-client.ts'
import { EntryQueue, type OutgoingBatch, type QueueBounds } from './entry-queue.ts'
import type { ShippingMetrics } from './metrics.ts'

export interface AdmissionShipperOptions {
  /** `HOST:PORT` of the controller. */
  readonly controller: string
  readonly credentials: CredentialSource
  /** The controller's. */
  readonly expected: Identity
  /** 16 random bytes in hexadecimal, drawn once a process. */
  readonly boot: string
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly metrics: ShippingMetrics
  /** What went wrong, once a failure; entries wait meanwhile. */
  readonly onFailure?: (error: AutoshieldError) => void
  readonly bounds?: QueueBounds
  readonly backoff?: Backoff
  /** How long one batch may take. */
  readonly callMs?: number
  /** How long a stop may take to get across what is left. */
  readonly drainMs?: number
}

const DEFAULTS = { bounds: { items: 20_000, bytes: 16 << 20 }, backoff: { baseMs: 200, maxMs: 15_000 }, callMs: 10_000, drainMs: 5_000 } as const
/** Answers after which the same batch would be refused again. */
const FINAL: ReadonlySet<number> = new Set([400, 413, 415, 422])

const receipts = Compile(AdmissionReceipt)

/** Brings what admission saw to the controller's trail: at least once, in order, and kept until it is there. */
export class AdmissionShipper implements AdmissionLog {
  readonly #options: AdmissionShipperOptions & Required<Pick<AdmissionShipperOptions, keyof typeof DEFAULTS>>
  readonly #queue: EntryQueue
  #lost = 0
  #news = Promise.withResolvers<undefined>()

  constructor (options: AdmissionShipperOptions) {
    this.#options = { ...DEFAULTS, ...options }
    this.#queue = new EntryQueue(options.boot, this.#options.bounds)
  }

  record (entry: AdmissionEntry): void {
    this.#queue.add(entry)
    this.#options.metrics.recorded()
    this.#count()
    this.#news.resolve(undefined)
  }

  /** What the webhook let through without having looked at it. */
  recordGap (gap: AdmissionGap): void {
    this.#queue.addGap(gap)
    this.#news.resolve(undefined)
  }

  /** Sends until the signal aborts; then tries once more, for at most `drainMs`, and resolves. */
  async run (signal: AbortSignal): Promise<void> {
    const { credentials, controller, expected, backoff, random, drainMs } = this.#options
    using client = new ControllerClient({ controller, credentials, expected })
    signal.addEventListener('abort', () => this.#news.resolve(undefined), { once: true })
    for (let attempt = 0; !signal.aborted;) {
      const batch = this.#queue.next()
      if (batch === null) {
        this.#news = Promise.withResolvers()
        await this.#news.promise // a stop is news as well
      } else if (await this.#send(client, batch, signal) === 'taken') {
        attempt = 0
      } else if (!await wait(backoffMs(attempt++, random(), backoff), signal)) break
    }
    await this.#drain(client, AbortSignal.timeout(drainMs))
  }

  async #drain (client: ControllerClient, deadline: AbortSignal): Promise<void> {
    for (let batch = this.#queue.next(); batch !== null && !deadline.aborted; batch = this.#queue.next()) {
      if (await this.#send(client, batch, deadline) === 'failed') return
    }
  }

  /** `refused` is for good: the batch is given up. Who refused one may well refuse the next, so only `taken` is followed by another at once. */
  async #send (client: ControllerClient, batch: OutgoingBatch, signal: AbortSignal): Promise<'taken' | 'refused' | 'failed'> {
    const { metrics, onFailure, callMs } = this.#options
    try {
      const { status, body } = await client.post('/v1/admissions', batch.body, AbortSignal.any([signal, AbortSignal.timeout(callMs)]))
      if (status === 200 && acknowledged(body) >= batch.through) {
        this.#queue.acknowledge()
        metrics.shipped(batch.items)
        this.#count()
        return 'taken'
      }
      metrics.failure()
      onFailure?.(new AutoshieldError('UNAVAILABLE', `the controller answers ${status} to ${batch.items} entries: ${body.slice(0, 500)}`))
      if (!FINAL.has(status)) return 'failed'
      this.#queue.refuse()
      this.#count()
      return 'refused'
    } catch (error) {
      if (signal.aborted) return 'failed' // stopping is no failure
      metrics.failure()
      onFailure?.(AutoshieldError.from(error))
      return 'failed'
    }
  }

  #count (): void {
    const { metrics } = this.#options
    metrics.waiting(this.#queue.size)
    if (this.#queue.lost > this.#lost) metrics.lost(this.#queue.lost - this.#lost)
    this.#lost = this.#queue.lost
  }
}

/** 0 where the answer is no receipt. */
function acknowledged (body: string): number {
  try {
    const value: unknown = JSON.parse(body)
    return receipts.Check(value) ? value.acknowledged : 0
  } catch {
    return 0 // no JSON, so not from our controller
  }
}
