import type { Technique } from '../classes.ts'
import type { Counterfactual, Explanation, FeatureEvidence, NearestExample } from '../verdict/detection.ts'
import type { Score } from '../verdict/score.ts'
import { FEATURES, TENSOR_WINDOWS, type FeatureName, type WindowKey } from '../window/window.ts'
import type { Account } from './account.ts'
import { duration } from './amount.ts'
import { activeRows } from './occlusion.ts'
import { phraseOf } from './phrase.ts'
import { isFeature, overSpan, SUMMED } from './span.ts'

/** What the model said when it was asked why. */
export type Found = Omit<Account, 'evidence'>

/** What the sentence is made of. `evidence` is with what is usual for the key filled in. */
export interface ExplainInput {
  readonly className: string
  /** Of ATT&CK; null where none is named. */
  readonly technique: Technique | null
  readonly score: Pick<Score, 'key' | 'stepMs' | 'windowNumber' | 'tensor' | 'context'>
  readonly evidence: readonly FeatureEvidence[]
  /** null before the model was asked. */
  readonly found: Found | null
}

/** Facts in a sentence: a third is read by nobody. */
const MAX_FACTS = 2

/** What a class is told by before the model was asked. */
const TELLING: Readonly<Record<string, readonly FeatureName[]>> = {
  LATERAL_MOVEMENT: ['flow_count', 'bytes_sent'],
  PORT_SCAN: ['unique_ports', 'failed_conn_ratio'],
  SYN_FLOOD: ['syn_count', 'failed_conn_ratio'],
  BRUTE_FORCE: ['flow_count', 'bytes_sent'],
  DATA_EXFILTRATION: ['bytes_sent', 'duration_s'],
}
const TELLING_BY_DEFAULT: readonly FeatureName[] = ['flow_count', 'bytes_sent']

/** Evidence with where its usual values come from: of a key's own past only features are known. */
export const sourced = (evidence: Account['evidence'], usualFrom: FeatureEvidence['usualFrom']): FeatureEvidence[] =>
  evidence.map((item) => ({ ...item, usualFrom: isFeature(item.feature) ? usualFrom : 'training' }))

/** Says in one sentence what was seen, beside what is usual, with the ATT&CK technique. Text from outside comes out as plain text. */
export function explain ({ className, technique, score, evidence, found }: ExplainInput): Explanation {
  const active = activeRows(score.tensor)
  const facts = choose(className, evidence, found).map((item) => {
    const { feature, usualFrom } = item
    const seen = isFeature(feature) ? overSpan(feature, score.tensor, active) : item.value
    const usual = isFeature(feature) && SUMMED.has(feature) ? item.usual * active.length : item.usual
    return { ...phraseOf(feature, score.key), seen, usual, usualFrom }
  })
  const spanSeconds = (TENSOR_WINDOWS - (active[0] ?? TENSOR_WINDOWS - 1)) * score.stepMs / 1000
  const usualOwner = facts[0]?.usualFrom === 'key' ? `this ${KIND[score.key.kind]}` : `a ${KIND[score.key.kind]} in training`
  const sentence = [
    `${subjectOf(score.key)} ${facts.map(({ say, seen }) => say(seen)).join(' and ')} within ${duration(spanSeconds)}`,
    `usual for ${usualOwner} is ${facts.map(({ amount, usual }) => amount(usual)).join(' and ')}`,
    technique !== null ? `this is how ${technique.name} (ATT&CK ${technique.id}) looks` : `this is how ${className} looks`,
    ...found === null ? [] : [...withoutIt(found.counterfactual, score.key), ...likeIt(found.nearest)],
  ].join('; ')
  return {
    sentence: `${plainText(sentence)}.`,
    evidence: [...evidence],
    ...found === null ? {} : { path: found.path, windows: found.windows, counterfactual: found.counterfactual, nearest: found.nearest },
    tensor: Array.from({ length: TENSOR_WINDOWS }, (_, row) => [...score.tensor.subarray(row * FEATURES.length, (row + 1) * FEATURES.length)]),
    stepMs: score.stepMs,
    windowNumber: score.windowNumber,
    context: [...score.context],
  }
}

/** What would have kept the score below, in the units of what was seen. */
function withoutIt (found: Counterfactual | null, key: WindowKey): string[] {
  if (found === null) return []
  const words = found.changes.map(({ feature, seen, needed }) => needed < seen
    ? `at most ${phraseOf(feature, key).noun(COUNTED.has(feature) ? Math.floor(needed) : needed)}`
    : `at least ${phraseOf(feature, key).noun(COUNTED.has(feature) ? Math.ceil(needed) : needed)}`)
  return [`with ${words.join(' and ')} the score would have been below ${found.limit.toFixed(2)}`]
}

/** There is no half of these. */
const COUNTED: ReadonlySet<string> = new Set(['flow_count', 'syn_count', 'ack_count', 'rst_count', 'fin_count', 'unique_ports'])

const likeIt = (nearest: NearestExample | null): string[] => nearest === null
  ? []
  : [`the nearest in training is ${nearest.class} (${nearest.tool})${nearest.distance > nearest.usualDistance ? ', and not near' : ''}`]

const KIND = { pair: 'pair', 'fan-out': 'source', 'fan-in': 'destination' } as const
const subjectOf = (key: WindowKey): string => key.kind === 'fan-in' ? key.destination : key.source

/** Those that together make the score; before the model was asked those that the class is known by. */
function choose (className: string, evidence: readonly FeatureEvidence[], found: Found | null): FeatureEvidence[] {
  const wanted = found === null ? TELLING[className] ?? TELLING_BY_DEFAULT : found.path.map(({ feature }) => feature)
  return wanted.slice(0, MAX_FACTS).flatMap((feature) => evidence.filter((item) => item.feature === feature))
}

/** Addresses come from a peer: no control or formatting character of theirs reaches a terminal or a page. */
const plainText = (text: string): string => text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
