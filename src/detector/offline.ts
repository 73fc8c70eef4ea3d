import { explain, sourced } from '../core/explain/explain.ts'
import { TENSOR_SIZE, TensorTable } from '../core/tensor/tensor-table.ts'
import { usualFor, windowEndMs, type Whois } from '../core/verdict/case.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { EvidenceSettings } from '../core/verdict/evidence.ts'
import type { Score } from '../core/verdict/score.ts'
import { emptyVerdict, type VerdictContext, type VerdictState } from '../core/verdict/state.ts'
import { step, type VerdictEffect } from '../core/verdict/verdict.ts'
import { windowStartMs, type Window } from '../core/window/window.ts'
import type { Scorer } from '../ports/scorer.ts'
import { accountOf } from './account-of.ts'

export interface OfflineOptions {
  readonly scorer: Scorer
  /** Who has seen a window; each key may be told by several. */
  readonly reporterOf: (window: Window) => string
  readonly whois: Whois
  readonly newId: () => string
  /** What counts as evidence; that of the live loop where it is absent. */
  readonly settings?: EvidenceSettings
  /** Told every score, before what follows from it. */
  readonly onScore?: (score: Score) => void
  /** Told what opens and when, in Unix ms of the recording: at the end of the window that decided. */
  readonly onOpened?: (detection: Detection, atMs: number) => void
  /** Told which score is explained, and what is usual for its key: more than once for a detection that grows stronger. */
  readonly onExplained?: (asked: { readonly className: string, readonly score: Score, readonly usual: readonly number[] }) => void
}

/** Rows that one call of the scorer takes. */
const BATCH = 256

/**
 * Detections in recorded windows, as fast as they come, with no service running: the tensors, the model and the verdict of
 * the live loop, on the recording's own clock. Each detection is given once, when it is closed or the windows end.
 */
export class OfflineDetector {
  readonly #options: OfflineOptions
  readonly #table = new TensorTable()
  readonly #state: VerdictState = emptyVerdict()
  readonly #open = new Map<string, Detection>()
  #nowMs = 0

  constructor (options: OfflineOptions) {
    this.#options = options
    step(this.#state, { type: 'model', model: options.scorer.model }, this.#context())
  }

  /** Takes the next windows in; gives the detections that they ended. */
  async take (windows: readonly Window[]): Promise<Detection[]> {
    const closed: Detection[] = []
    for (let first = 0; first < windows.length; first += BATCH) {
      for (const score of await this.#score(windows.slice(first, first + BATCH))) {
        this.#nowMs = Math.max(this.#nowMs, score.receivedAtMs)
        this.#options.onScore?.(score)
        closed.push(...await this.#follow(step(this.#state, { type: 'score', score }, this.#context(), this.#options.settings)))
      }
    }
    closed.push(...await this.#follow(step(this.#state, { type: 'tick' }, this.#context())))
    return closed
  }

  /** The detections that were still open at the end. */
  end (): Detection[] {
    return [...this.#open.values()]
  }

  async #score (windows: readonly Window[]): Promise<Score[]> {
    const { scorer, reporterOf } = this.#options
    const { classes, contextColumns: { length: columns } } = scorer.model
    const tensors = new Float32Array(windows.length * TENSOR_SIZE)
    const contexts = new Float32Array(windows.length * columns)
    const unproved: number[] = []
    const taken = windows.filter((window) => {
      const view = this.#table.push(reporterOf(window), window)
      view?.writeTensor(tensors, unproved.length * TENSOR_SIZE)
      view?.writeContext(contexts, unproved.length * columns)
      if (view !== null) unproved.push(view.unproved())
      return view !== null
    })
    const probabilities = await scorer.score(unproved.length, tensors, contexts)
    return taken.map((window, row) => ({
      reporter: reporterOf(window),
      key: window.key,
      stepMs: window.stepMs,
      windowNumber: window.number,
      probabilities: probabilities.subarray(row * classes.length, (row + 1) * classes.length),
      tensor: tensors.subarray(row * TENSOR_SIZE, (row + 1) * TENSOR_SIZE),
      context: contexts.subarray(row * columns, (row + 1) * columns),
      unproved: unproved[row] ?? 0,
      window,
      receivedAtMs: windowStartMs(window) + window.stepMs,
      simulated: true,
    }))
  }

  /** Keeps what is told; explains each open detection by its strongest moment. */
  async #follow (effects: readonly VerdictEffect[]): Promise<Detection[]> {
    const closed: Detection[] = []
    for (const { type, detection, score, isShown } of effects) {
      if (type === 'closed') {
        if (this.#open.delete(detection.id)) closed.push(detection)
        continue
      }
      if (detection.phase !== 'open') continue
      this.#open.set(detection.id, detection)
      if (score === null) continue
      if (type === 'opened') this.#options.onOpened?.(detection, windowEndMs(score))
      if (isShown) closed.push(...await this.#follow(step(this.#state, { type: 'explained', detection: detection.id, explanation: await this.#explain(detection, score) }, this.#context())))
    }
    return closed
  }

  async #explain ({ class: className, technique }: Detection, score: Score): Promise<Detection['explanation']> {
    const { scorer } = this.#options
    const { usual, usualFrom } = usualFor(score, scorer.model, this.#state.baselines)
    this.#options.onExplained?.({ className, score, usual })
    const { evidence, ...found } = await accountOf(scorer, score, className, usual)
    return explain({ className, technique, score, evidence: sourced(evidence, usualFrom), found })
  }

  #context (): VerdictContext {
    const { newId, whois } = this.#options
    return { nowMs: this.#nowMs, newId, whois, standsForMany: () => false, unfamiliar: () => null, foundAtAdmission: () => null, forging: () => [] }
  }
}
