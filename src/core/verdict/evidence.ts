import type { EvidenceKind } from '../evidence/kind.ts'
import { EVIDENCE_KINDS } from '../evidence/table.ts'

/**
 * Evidence for one class from one stream of windows: a sequential test on the sum of log-likelihood ratios
 * (Wald 1945), bounded on both sides.
 *
 * A window with probability p adds logit(p) - logit(neutral), which is the log of how much likelier the attack became; named evidence (core/evidence) adds its own.
 * A class's threshold is the probability at which one window is enough, so the test ends where that window would end
 * it: `needed` = logit(threshold) - logit(neutral). Successive tensors share 19 of their 20 windows, so their scores
 * are far from independent: beyond its strongest window a stream adds only a part of each, and what was added never
 * claims more than the threshold.
 */
export interface EvidenceSettings {
  /** The part of a window's evidence that adds up; 1 would take overlapping tensors for independent ones. */
  readonly overlapWeight: number
  /** Steps in which evidence halves without news: the span of one tensor. */
  readonly halfLifeSteps: number
  /** Kinds of named evidence that are looked for beside the model's score. */
  readonly kinds: readonly EvidenceKind[]
}

export const EVIDENCE_SETTINGS: EvidenceSettings = { overlapWeight: 0.25, halfLifeSteps: 20, kinds: EVIDENCE_KINDS }

const sigmoid = (nats: number): number => 1 / (1 + Math.exp(-nats))

const logit = (probability: number): number => {
  const p = Math.min(Math.max(probability, 1e-9), 1 - 1e-9)
  return Math.log(p / (1 - p))
}

/** How far below its threshold, in nats, a class's probability speaks neither for nor against. */
const NEUTRAL_BELOW = 1.5

/**
 * The probability that speaks neither for nor against. Training balances the classes, so that an even chance is much for an attack
 * as rare as it is in life: thresholds of the shipped model lie at 0.87 to 0.99, and windows of busy benign keys at 0.5 to 0.8.
 */
export const neutralOf = (threshold: number): number => sigmoid(logit(threshold) - NEUTRAL_BELOW)

/** Evidence at which a case opens, in nats. */
export const neededFor = (threshold: number): number => logit(threshold) - logit(neutralOf(threshold))

/** How much likelier a probability makes an attack, in nats; below 0 where it speaks against one. */
export const newsOf = (probability: number, threshold: number): number => logit(probability) - logit(neutralOf(threshold))

/**
 * Evidence after a window that says `news`, `steps` after the last one. `repeated` is the part of the news that may add up: what is known
 * anyway, and is said with every window, is worth no more for being said again. In nats, never negative.
 */
export function accumulate (evidence: number, { news, repeated }: { readonly news: number, readonly repeated: number }, threshold: number, steps: number, settings: Pick<EvidenceSettings, 'overlapWeight' | 'halfLifeSteps'>): number {
  return Math.max(news, Math.min(neededFor(threshold), fade(evidence, steps, settings) + settings.overlapWeight * repeated), 0)
}

/** What is left of evidence after so many steps without news. */
export const fade = (evidence: number, steps: number, settings: Pick<EvidenceSettings, 'halfLifeSteps'>): number => evidence * 2 ** (-steps / settings.halfLifeSteps)

/** The probability that so much evidence stands for: of one window its own, of many at most the threshold. */
export const confidenceOf = (evidence: number, threshold: number): number => sigmoid(evidence + logit(neutralOf(threshold)))
