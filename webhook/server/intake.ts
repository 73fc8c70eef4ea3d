import type { IncomingMessage, ServerResponse } from 'node:http'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { AdmissionRequest } from '../review.ts'
import { type Answer, bodyOf, letThrough, type LetThrough } from './answers.ts'
import { budgetMs } from './deadline.ts'
import type { FaultLog } from './fault-log.ts'
import { HeldReview } from './held-review.ts'
import type { Held, RefusedCall, Webhook, WebhookMetrics } from './metrics.ts'
import { readReview } from './read-review.ts'

/** Answers the reviews of one webhook. */
export interface Reviewer {
  /** What it throws is a defect of ours. */
  readonly review: (request: AdmissionRequest) => Answer
}
export type Reviewers = Readonly<Record<Webhook, Reviewer>>

export interface IntakeLimits {
  /** Reviews that wait for their body or their turn. */
  readonly reviews: number
  /** Of their bodies together. */
  readonly bytes: number
  /** Of one body. */
  readonly bodyBytes: number
}

/**
 * One body: etcd takes objects of 1.5 MiB, of which the API server may send two (new and old), and JSON writes a control
 * character of one byte in six (`\u0001`). The API server's limit of 3 MiB a request says nothing of that, since clients
 * may send protobuf: with a smaller limit, whoever fills a pod with such characters would pass the audit unseen.
 */
export const INTAKE_LIMITS: IntakeLimits = { reviews: 512, bytes: 96 << 20, bodyBytes: 20 << 20 }

/** Deciding pauses after this, so that what has arrived meanwhile is read, and shed where it is too much. */
const TURN_MS = 10

export interface IntakeParts {
  readonly reviewers: Reviewers
  readonly limits: IntakeLimits
  readonly metrics: WebhookMetrics
  readonly faults: FaultLog
  /** A review was let through without having been looked at: the record has a gap. */
  readonly onUnseen: () => void
  /** Milliseconds of a clock that only goes forward. */
  readonly nowMs: () => number
}

/**
 * Takes calls, and answers each once:
 *
 * | what comes | answer |
 * | --- | --- |
 * | a review, in time | what its reviewer says |
 * | a review over the bounds, of the address that holds most | allowed, Overloaded, at once and without reading the rest |
 * | a review whose body or turn does not come before its deadline | allowed, DeadlineExceeded |
 * | a review on which the reviewer fails | allowed, DecidingFailed |
 * | no review; another version | 400 |
 * | a body over the limit | 413 |
 * | over the bounds or late, and not begun as the API server begins a review | 503, 408 |
 * | the caller is gone | none, and nothing is decided |
 *
 * Deciding is synchronous, so what waits is waiting for bodies or for its turn.
 */
export class Intake {
  readonly #parts: IntakeParts
  readonly #held = new Set<HeldReview>()
  #waiting: HeldReview[] = []
  #bytes = 0
  #turnIsDue = false
  /** Every answer ends its connection from now on. */
  closing = false

  constructor (parts: IntakeParts) {
    this.#parts = parts
  }

  get held (): Held {
    return { reviews: this.#held.size, bytes: this.#bytes }
  }

  take (webhook: Webhook, request: IncomingMessage, response: ServerResponse): void {
    const { limits, nowMs } = this.#parts
    const arrivedMs = nowMs()
    const review = new HeldReview(webhook, request, response, { arrivedMs, deadlineMs: arrivedMs + budgetMs(request.url ?? '') })
    if (review.announcedBytes > limits.bodyBytes) {
      this.#refuse(review, 413, 'oversized', tooLarge(limits))
      return
    }
    if (this.#held.size >= limits.reviews) this.#makeRoom(review, () => 1)
    const isTooMany = this.#held.size >= limits.reviews
    this.#held.add(review)
    response.once('close', () => this.#gone(review))
    request.on('data', (chunk: Buffer) => this.#read(review, chunk, isTooMany))
    request.once('end', () => this.#complete(review))
  }

  /** Answers what is late; call it a few times a second. */
  sweep (): void {
    const nowMs = this.#parts.nowMs()
    for (const review of this.#held) if (nowMs >= review.deadlineMs) this.#late(review)
  }

  #read (review: HeldReview, chunk: Buffer, isTooMany: boolean): void {
    if (review.over) return // the rest of a body that was answered early
    const { limits } = this.#parts
    review.add(chunk)
    this.#bytes += chunk.length
    if (this.#bytes > limits.bytes) this.#makeRoom(review, ({ bytes }) => bytes)
    if (isTooMany || this.#bytes > limits.bytes) this.#unread(review, 'Overloaded')
    else if (review.bytes > limits.bodyBytes) this.#refuse(review, 413, 'oversized', tooLarge(limits))
  }

  /**
   * Over a bound, the caller's address that holds most gives its newest review up, if that is not the address that asks:
   * otherwise one pod that sends heads and no bodies would have every review of the API server let through unseen.
   */
  #makeRoom (asking: HeldReview, weightOf: (review: HeldReview) => number): void {
    const weights = new Map<string, number>()
    for (const review of this.#held) weights.set(review.address, (weights.get(review.address) ?? 0) + weightOf(review))
    const [address, most] = [...weights].reduce((one, other) => other[1] > one[1] ? other : one, ['', 0])
    if (most <= (weights.get(asking.address) ?? 0)) return
    const newest = [...this.#held].findLast((review) => review.address === address)
    if (newest !== undefined) this.#unread(newest, 'Overloaded')
  }

  #complete (review: HeldReview): void {
    if (review.over) return
    this.#waiting.push(review)
    if (this.#turnIsDue) return
    this.#turnIsDue = true
    setImmediate(() => this.#turn())
  }

  #turn (): void {
    const { nowMs } = this.#parts
    const untilMs = nowMs() + TURN_MS
    let done = 0
    for (const review of this.#waiting) {
      done++
      if (review.over) continue
      const now = nowMs()
      if (now >= review.deadlineMs) this.#late(review)
      else this.#decide(review)
      if (now >= untilMs) break
    }
    this.#waiting = this.#waiting.slice(done)
    this.#turnIsDue = this.#waiting.length > 0
    if (this.#turnIsDue) setImmediate(() => this.#turn())
  }

  #decide (review: HeldReview): void {
    const { reviewers, metrics, faults } = this.#parts
    const read = readReview(review.body())
    if (read.kind === 'refused') {
      this.#refuse(review, 400, read.why, read.message)
      return
    }
    const { request } = read
    try {
      const answer = reviewers[review.webhook].review(request)
      this.#answer(review, answer, bodyOf(answer.response))
    } catch (thrown) {
      metrics.fault(review.webhook)
      faults.tell(review.webhook, AutoshieldError.from(thrown))
      this.#letThrough(review, request.uid, 'DecidingFailed', request.dryRun === true)
    }
  }

  #late (review: HeldReview): void {
    this.#unread(review, 'DeadlineExceeded')
  }

  /** Lets a review through by what the beginning of its body says. */
  #unread (review: HeldReview, reason: LetThrough): void {
    const uid = review.uid()
    if (uid !== null) this.#letThrough(review, uid, reason)
    else if (reason === 'Overloaded') this.#refuse(review, 503, 'malformed', 'There are too many calls now; ask again later.')
    else this.#refuse(review, 408, 'slow', 'The body did not arrive in time.')
  }

  /** Whether an unread review is a dry run cannot be known: it counts as a gap. */
  #letThrough (review: HeldReview, uid: string, reason: LetThrough, isDryRun = false): void {
    const answer = letThrough(uid, reason)
    if (!isDryRun) this.#parts.onUnseen()
    this.#answer(review, answer, bodyOf(answer.response))
  }

  #answer (review: HeldReview, { outcome }: Answer, body: string): void {
    this.#release(review)
    review.answer(200, body, this.closing)
    this.#parts.metrics.answered(review.webhook, outcome, (this.#parts.nowMs() - review.arrivedMs) / 1000)
  }

  /** Whoever sends no review is not the API server: its connection ends. */
  #refuse (review: HeldReview, status: number, why: RefusedCall, message: string): void {
    this.#release(review)
    review.answer(status, JSON.stringify({ code: 'USAGE', message }), true)
    this.#parts.metrics.refused(review.webhook, why)
  }

  /** The connection has ended, before or after its answer. */
  #gone (review: HeldReview): void {
    if (this.#release(review)) this.#parts.metrics.refused(review.webhook, 'vanished')
  }

  #release (review: HeldReview): boolean {
    if (!this.#held.delete(review)) return false
    this.#bytes -= review.bytes
    return true
  }
}

const tooLarge = ({ bodyBytes }: IntakeLimits): string => `The body is longer than ${bodyBytes} bytes, which no review of the API server is.`
