import { techniqueOf } from '../classes.ts'
import type { Explanation, FeatureEvidence } from '../verdict/detection.ts'
import type { Score } from '../verdict/score.ts'
import { FEATURES, TENSOR_WINDOWS, type FeatureName, type WindowKey } from '../window/window.ts'
import { duration } from './amount.ts'
import { activeRows } from './occlusion.ts'
import { PHRASES } from './phrase.ts'

/** What the sentence is made of. `evidence` is what occlusion found, with what is usual for the key filled in. */
export interface ExplainInput {
  readonly className: string
  readonly score: Pick<Score, 'key' | 'stepMs' | 'windowNumber' | 'tensor' | 'context'>
  readonly evidence: readonly FeatureEvidence[]
}

/** Facts in a sentence: a third is read by nobody. */
const MAX_FACTS = 2
/** A smaller fall of the probability is noise of the model. */
const MIN_CONTRIBUTION = 0.01

/** What a class is told by where occlusion names no feature (each alone changes nothing when several say the same). */
const TELLING: Readonly<Record<string, readonly FeatureName[]>> = {
  LATERAL_MOVEMENT: ['flow_count', 'bytes_sent'],
  PORT_SCAN: ['unique_ports', 'failed_conn_ratio'],
  SYN_FLOOD: ['syn_count', 'failed_conn_ratio'],
  BRUTE_FORCE: ['flow_count', 'bytes_sent'],
  DATA_EXFILTRATION: ['bytes_sent', 'duration_s'],
}
const TELLING_BY_DEFAULT: readonly FeatureName[] = ['flow_count', 'bytes_sent']

/** Says in one sentence what was seen, beside what is usual, with the ATT&CK technique. Text from outside comes out as plain text. */
export function explain ({ className, score, evidence }: ExplainInput): Explanation {
  const active = activeRows(score.tensor)
  const facts = choose(className, evidence).map((item) => {
    const seen = overSpan(item.feature, score.tensor, active)
    const usual = SUMMED.has(item.feature) ? item.usual * active.length : item.usual
    return { ...PHRASES[item.feature](score.key), seen, usual, usualFrom: item.usualFrom }
  })
  const spanSeconds = (TENSOR_WINDOWS - (active[0] ?? TENSOR_WINDOWS - 1)) * score.stepMs / 1000
  const usualOwner = facts[0]?.usualFrom === 'key' ? `this ${KIND[score.key.kind]}` : `a ${KIND[score.key.kind]} in training`
  const technique = techniqueOf(className)
  const sentence = [
    `${subjectOf(score.key)} ${facts.map(({ say, seen }) => say(seen)).join(' and ')} within ${duration(spanSeconds)}`,
    `usual for ${usualOwner} is ${facts.map(({ amount, usual }) => amount(usual)).join(' and ')}`,
    technique ? `this is how ${technique.name} (ATT&CK ${technique.id}) looks` : `this is how ${className} looks`,
  ].join('; ')
  return {
    sentence: `${plainText(sentence)}.`,
    evidence: [...evidence],
    tensor: Array.from({ length: TENSOR_WINDOWS }, (_, row) => [...score.tensor.subarray(row * FEATURES.length, (row + 1) * FEATURES.length)]),
    stepMs: score.stepMs,
    windowNumber: score.windowNumber,
    context: [...score.context],
  }
}

const KIND = { pair: 'pair', 'fan-out': 'source', 'fan-in': 'destination' } as const
const subjectOf = (key: WindowKey): string => key.kind === 'fan-in' ? key.destination : key.source

const isFeature = (name: string): name is FeatureName => (FEATURES as readonly string[]).includes(name)
type NamedEvidence = FeatureEvidence & { feature: FeatureName }

function choose (className: string, evidence: readonly FeatureEvidence[]): NamedEvidence[] {
  const named = evidence.filter((item): item is NamedEvidence => isFeature(item.feature))
  const telling = named.filter(({ contribution }) => contribution >= MIN_CONTRIBUTION).slice(0, MAX_FACTS)
  if (telling.length > 0) return telling
  const wanted = TELLING[className] ?? TELLING_BY_DEFAULT
  return wanted.flatMap((feature) => named.filter((item) => item.feature === feature))
}

/** Features that add up over windows; the others are means, and `unique_ports` (which windows may share) its largest window. */
const SUMMED: ReadonlySet<FeatureName> = new Set(['flow_count', 'bytes_sent', 'bytes_received', 'syn_count', 'ack_count', 'rst_count', 'fin_count'])

function overSpan (feature: FeatureName, tensor: Float32Array, active: readonly number[]): number {
  const values = active.map((row) => tensor[row * FEATURES.length + FEATURES.indexOf(feature)] ?? 0)
  if (feature === 'unique_ports') return Math.max(0, ...values)
  const sum = values.reduce((total, value) => total + value, 0)
  return SUMMED.has(feature) || active.length === 0 ? sum : sum / active.length
}

/** Addresses come from a peer: no control or formatting character of theirs reaches a terminal or a page. */
const plainText = (text: string): string => text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
