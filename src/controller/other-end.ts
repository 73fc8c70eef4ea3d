import { AutoshieldError } from '../core/errors.ts'
import { parseSpiffeId, spiffeId } from '../core/identity.ts'
import { standingOf } from '../core/safety/real-source.ts'
import { windowEndMs } from '../core/verdict/case.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { Score } from '../core/verdict/score.ts'
import { compareEnds, isToAsk, silenceKnownMs, type Comparison } from '../core/verdict/source-account.ts'
import type { VerdictEffect, VerdictEvent } from '../core/verdict/verdict.ts'
import type { Clock } from '../ports/clock.ts'
import type { SourceAccounts, SourceQuestion } from '../ports/scores.ts'
import type { Hearing } from './ruling.ts'
import type { Log } from './log.ts'
import type { ControllerMetrics } from './metrics.ts'

export interface OtherEndParts {
  /** null: nobody can be asked here. */
  readonly accounts: SourceAccounts | null
  /** Addresses by which a source may have turned to the target, its own first. */
  readonly waysTo: (target: string) => readonly string[]
  /** Has the evidence learn what was answered; resolves to what came of it when it is kept. */
  readonly compared: (event: Extract<VerdictEvent, { type: 'compared' }>) => Promise<readonly VerdictEffect[]>
  /** Ends what restricts the source of a detection that its own observer denies; never rejects. */
  readonly letGo: (detection: Detection, why: string) => Promise<void>
  /** Decides. `arrivedMs` is of `performance.now()`. */
  readonly decide: (hearing: Hearing, arrivedMs: number) => Promise<void>
  readonly clock: Clock
  readonly metrics: ControllerMetrics
  readonly log: Log
}

/** Detections that wait for an answer at one time; what comes beyond it is decided without. */
const MAX_WAITING = 64
const MAX_ANSWERED = 4_096
/** Where nothing could be learned, it is asked again this long after. */
const ASK_AGAIN_MS = 5_000
const MAX_WAYS = 64

/**
 * Before it is decided on a source that only its victim tells of, asks what the source's own observer saw of the same windows. Nobody else
 * waits for that: what is to be decided on the detection meanwhile is decided when the answer is there, at once where there is no such
 * observer, and after some two seconds in any case.
 */
export class OtherEnd {
  readonly #parts: OtherEndParts
  /** By detection: its newest hearing. */
  readonly #waiting = new Map<string, Hearing>()
  readonly #answered = new Map<string, { readonly comparison: Comparison, readonly atMs: number }>()
  readonly #asking = new Set<Promise<void>>()

  constructor (parts: OtherEndParts) {
    this.#parts = parts
  }

  /** Resolves when it is decided, or when it waits for an answer. */
  async hear (hearing: Hearing, arrivedMs: number): Promise<void> {
    const { detection: { id } } = hearing
    const { accounts, decide, metrics } = this.#parts
    const question = accounts === null || !this.#isDue(hearing) ? null : questionOf(hearing, this.#parts.waysTo)
    const isWaiting = this.#waiting.has(id)
    if (isWaiting) this.#waiting.set(id, hearing)
    if (accounts === null || question === null) return decide(hearing, arrivedMs)
    if (isWaiting) return
    if (this.#waiting.size >= MAX_WAITING) {
      metrics.dropped('account', 1)
      return decide(hearing, arrivedMs)
    }
    this.#waiting.set(id, hearing)
    const asking = this.#ask(accounts, hearing, question, arrivedMs).finally(() => this.#asking.delete(asking))
    this.#asking.add(asking)
  }

  /** Resolves when nobody waits any more. */
  async idle (): Promise<void> {
    while (this.#asking.size > 0) await Promise.all(this.#asking)
  }

  #isDue ({ detection, evidence }: Hearing): boolean {
    if (!isToAsk(detection, evidence) || evidence.deniedByOwnObserver === true) return false
    const answer = this.#answered.get(detection.id)
    return answer === undefined || (answer.comparison !== 'agrees' && this.#parts.clock.now() - answer.atMs >= ASK_AGAIN_MS)
  }

  async #ask (accounts: SourceAccounts, hearing: Hearing, question: Omit<SourceQuestion, 'throughMs'>, arrivedMs: number): Promise<void> {
    const { compared, letGo, decide, metrics, log } = this.#parts
    const { detection: { id }, scores: [score] } = hearing
    const comparison = await this.#compare(accounts, score, question)
    metrics.compared(comparison)
    if (comparison === 'saw-less' || comparison === 'saw-nothing') log.warn({ detection: id, reporter: question.reporter, comparison }, 'the observer of the source does not confirm what the victim\'s tells')
    this.#remember(id, comparison)
    const effects = await compared({ type: 'compared', detection: id, reporter: question.reporter, comparison })
    const newest = this.#waiting.get(id) ?? hearing
    this.#waiting.delete(id)
    const learned = effects.at(-1)
    if (learned !== undefined && standingOf(learned.source) === 'disputed') await letGo(learned.detection, `the observer of ${learned.detection.source?.address ?? ''} did not see its pod send this`)
    await decide(learned === undefined ? newest : { ...newest, detection: learned.detection, evidence: learned.source }, arrivedMs)
  }

  /** Asks for what is known now, then for the windows of the score, then for one more, by which silence is known. */
  async #compare (accounts: SourceAccounts, score: Score, question: Omit<SourceQuestion, 'throughMs'>): Promise<Comparison> {
    let comparison: Comparison = 'not-yet'
    try {
      for (const throughMs of [0, windowEndMs(score), silenceKnownMs(score)]) {
        comparison = compareEnds(score, await accounts.sourceAccount({ ...question, throughMs }))
        if (comparison !== 'not-yet') break
      }
      return comparison
    } catch (error) {
      this.#parts.log.warn({ err: AutoshieldError.from(error), reporter: question.reporter }, 'the detector gave no account of a source; it is decided without')
      return 'cannot-tell'
    }
  }

  #remember (id: string, comparison: Comparison): void {
    this.#answered.delete(id)
    this.#answered.set(id, { comparison, atMs: this.#parts.clock.now() })
    const oldest = this.#answered.keys().next()
    if (this.#answered.size > MAX_ANSWERED && oldest.done !== true) this.#answered.delete(oldest.value)
  }
}

/** null where the source's observer has no name. */
function questionOf ({ detection: { source, target }, scores: [score] }: Hearing, waysTo: OtherEndParts['waysTo']): Omit<SourceQuestion, 'throughMs'> | null {
  const identity = parseSpiffeId(score.reporter)
  if (identity === null || source === null || target === null) return null
  const { uid, namespace, address } = source
  if (uid === undefined || namespace === undefined) return null
  return { reporter: spiffeId({ ...identity, namespace, uid }), source: address, destinations: waysTo(target.address).slice(0, MAX_WAYS), stepMs: score.stepMs }
}
