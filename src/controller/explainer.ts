import { explain, sourced } from '../core/explain/explain.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { Detection, Explanation } from '../core/verdict/detection.ts'
import type { Score } from '../core/verdict/score.ts'
import type { ScoreSource } from '../ports/scores.ts'
import type { Log } from './log.ts'
import type { ControllerMetrics } from './metrics.ts'

/** A detection whose score is to be explained. */
export interface Question {
  readonly detection: string
  readonly className: string
  readonly technique: Detection['technique']
  readonly score: Score
  readonly usual: readonly number[]
  readonly usualFrom: 'key' | 'training'
}

const MAX_WAITING = 64

/** Asks the detector which features made a score, one question at a time, beside the decisions and never before them. */
export class Explainer {
  readonly #scores: ScoreSource
  readonly #answer: (detection: string, explanation: Explanation) => Promise<void>
  readonly #metrics: ControllerMetrics
  readonly #log: Log
  readonly #waiting: Question[] = []
  #running: Promise<void> | null = null

  constructor (parts: { scores: ScoreSource, metrics: ControllerMetrics, log: Log, answer: (detection: string, explanation: Explanation) => Promise<void> }) {
    this.#scores = parts.scores
    this.#metrics = parts.metrics
    this.#log = parts.log
    this.#answer = parts.answer
  }

  /**
   * The newest questions matter most: beyond the bound the oldest keeps its first account, and of a detection that is shown by a stronger
   * moment by now nobody asks about the one before.
   */
  ask (question: Question): void {
    const older = this.#waiting.findIndex(({ detection }) => detection === question.detection)
    if (older >= 0) this.#waiting.splice(older, 1)
    this.#waiting.push(question)
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift()
      this.#metrics.dropped('explanation', 1)
    }
    this.#running ??= this.#work().finally(() => { this.#running = null })
  }

  /** Resolves when nothing waits any more. */
  async idle (): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  async #work (): Promise<void> {
    for (let question = this.#waiting.shift(); question !== undefined; question = this.#waiting.shift()) {
      const { detection, className, technique, score, usual, usualFrom } = question
      try {
        const { evidence, ...found } = await this.#scores.explain(score, className, usual)
        await this.#answer(detection, explain({ className, technique, score, evidence: sourced(evidence, usualFrom), found }))
      } catch (error) {
        this.#log.warn({ err: AutoshieldError.from(error), detection }, 'the detector gave no explanation; the first account stays')
      }
    }
  }
}
