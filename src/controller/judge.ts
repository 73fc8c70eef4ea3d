import { CLASSES } from '../core/classes.ts'
import type { TimeZone } from '../core/policy/time-zone.ts'
import type { Score } from '../core/verdict/score.ts'
import type { VerdictEffect } from '../core/verdict/verdict.ts'
import type { PodDirectory } from '../ports/directories.ts'
import type { ModelInfo } from '../ports/scorer.ts'
import { classesAsserted } from './asserted.ts'
import type { DetectionDesk } from './detection-desk.ts'
import type { Explainer } from './explainer.ts'
import type { MitigationDesk } from './mitigation-desk.ts'
import type { PolicyBook } from './policy-book.ts'
import type { OtherEnd } from './other-end.ts'
import { RecentScores } from './recent-scores.ts'
import type { RolloutDesk } from './rollout/rollout-desk.ts'

export interface JudgeParts {
  readonly book: PolicyBook
  readonly detections: DetectionDesk
  readonly otherEnd: OtherEnd
  readonly explainer: Explainer
  readonly mitigations: MitigationDesk
  readonly rollouts: RolloutDesk
  readonly pods: PodDirectory
  readonly zone: TimeZone
}

/** What follows from a score: a detection, the decision on it, and what is known of restrictions and rollouts. */
export class Judge {
  readonly #parts: JudgeParts
  readonly #recent = new RecentScores()
  #model: ModelInfo | null = null

  constructor (parts: JudgeParts) {
    this.#parts = parts
  }

  /** The model that the detectors score with; null before the first has answered. */
  get model (): ModelInfo | null {
    return this.#model
  }

  meet (model: ModelInfo): void {
    this.#model = model
    this.#parts.detections.setModel(model)
  }

  /** Resolves when all that follows is kept. */
  async take (scores: readonly Score[]): Promise<void> {
    const arrivedMs = performance.now()
    // What is aimed at single pods is known before it is decided what to do about all that their attacker reaches.
    const ordered = scores.toSorted((one, other) => Number(one.key.kind === 'fan-out') - Number(other.key.kind === 'fan-out'))
    await Promise.all(ordered.flatMap((score) => this.#judge(score, arrivedMs)))
  }

  #judge (score: Score, arrivedMs: number): Promise<unknown>[] {
    const { detections, mitigations, rollouts } = this.#parts
    this.#recent.remember(score)
    rollouts.seen(score)
    const events = [
      { type: 'score', score } as const,
      ...this.#assertedBy(score).map((className) => ({ type: 'asserted', className, score }) as const),
    ]
    const following = events.flatMap((event) => {
      const { effects, kept } = detections.take(event)
      return [kept, ...effects.map(async (effect) => this.#follow(effect, arrivedMs))]
    })
    return [...following, mitigations.seen(score)]
  }

  #assertedBy (score: Score): readonly string[] {
    const { book, pods, zone } = this.#parts
    return classesAsserted(score, {
      policy: book.conditionRules,
      tensors: this.#recent.around(score),
      whois: (address) => pods.byAddress(address),
      zone,
      modelClasses: this.#model?.classes ?? CLASSES,
    })
  }

  async #follow ({ detection, source, score, isShown }: VerdictEffect, arrivedMs: number): Promise<void> {
    const { detections, otherEnd, explainer } = this.#parts
    if (score === null || detection.phase !== 'open') return
    const knownToModel = this.#model?.classes.includes(detection.class) ?? false
    if (isShown && knownToModel) explainer.ask({ detection: detection.id, className: detection.class, technique: detection.technique, score, ...detections.usual(score) })
    await otherEnd.hear({ detection, evidence: source, scores: this.#recent.around(score), pairs: detections.pairsOf(detection, score) }, arrivedMs)
  }
}
