import { combine, nameEvidence, NOTHING_NAMED, type Named } from '../evidence/combine.ts'
import { noteAttack } from '../evidence/memory.ts'
import { ruleOf } from '../evidence/table.ts'
import { factsOf, memoryOf } from './facts-of.ts'
import { doubtHour } from './baseline.ts'
import { learn } from './learn.ts'
import { agreementOf, isOwnObserver, sourceEvidence, subjectKey } from './source-evidence.ts'
import { keyId, STEPS_MS, TENSOR_WINDOWS, windowStartMs } from '../window/window.ts'
import { standingOf } from '../safety/real-source.ts'
import type { SourceEvidence } from '../safety/safety.ts'
import {
  caseId, firstAccount, firstPacketOf, firstTelling, isEcho, MAX_STREAMS, newCase, QUIET_STEPS, retold, tensorStartMs, windowEndMs, withAnswer, withWitness,
  type Case, type VerdictModel
} from './case.ts'
import { storyOf } from './chains.ts'
import type { Detection, Explanation } from './detection.ts'
import { accumulate, confidenceOf, fade, EVIDENCE_SETTINGS, neededFor, newsOf, type EvidenceSettings } from './evidence.ts'
import { alsoNamed, answered, isShown, shownFirst } from './moment.ts'
import type { Score } from './score.ts'
import type { Comparison } from './source-account.ts'
import type { VerdictContext, VerdictState } from './state.ts'

export type VerdictEvent =
  | { readonly type: 'model', readonly model: VerdictModel }
  | { readonly type: 'score', readonly score: Score }
  /** A rule's condition holds for the newest window; no model has an opinion on its class. */
  | { readonly type: 'asserted', readonly className: string, readonly score: Score }
  | { readonly type: 'explained', readonly detection: string, readonly explanation: Explanation }
  /** What the observer of its source answered that was asked; `reporter` is whose it is. */
  | { readonly type: 'compared', readonly detection: string, readonly reporter: string, readonly comparison: Comparison }
  | { readonly type: 'tick' }

/**
 * What a detection came to. `source` is what proves who its source is; `score` what brought it here, null for the passing of time; `isShown`
 * whether its explanation is of that score from now on, so that the model is to be asked why.
 */
export interface VerdictEffect {
  readonly type: 'suspected' | 'opened' | 'updated' | 'closed'
  readonly detection: Detection
  readonly source: SourceEvidence
  readonly score: Score | null
  readonly isShown: boolean
}

/** Beats of a slowed replay come late by our clock, so its cases are not closed before this much silence. */
const MIN_REPLAY_QUIET_MS = 15_000
/** A silent case is forgotten when the longest tensor can hold nothing of it any more. */
const FORGET_AFTER_MS = (TENSOR_WINDOWS + 1) * Math.max(...STEPS_MS)

/** Takes one event in; gives what came of it, in order. */
export function step (state: VerdictState, event: VerdictEvent, context: VerdictContext, settings: EvidenceSettings = EVIDENCE_SETTINGS): readonly VerdictEffect[] {
  switch (event.type) {
    case 'model':
      state.model = event.model
      return []
    case 'score':
      return state.model === null ? [] : judge(state, state.model, event.score, context, settings)
    case 'asserted':
      return state.model === null ? [] : weighClass(state, state.model, { className: event.className, ...CERTAIN, named: NOTHING_NAMED, threshold: 0.5, score: event.score, source: whoSent(event.score, context) }, context, settings)
    case 'explained':
      return explained(state, event.detection, event.explanation)
    case 'compared':
      return compared(state, event)
    case 'tick':
      return passTime(state, context.nowMs)
  }
}

/** A rule's condition says it once and for all. */
const CERTAIN = { model: newsOf(1, 0.5), news: newsOf(1, 0.5), repeated: newsOf(1, 0.5) }

function judge (state: VerdictState, model: VerdictModel, score: Score, context: VerdictContext, settings: EvidenceSettings): VerdictEffect[] {
  if (score.simulated) state.replayMs = Math.max(state.replayMs, windowEndMs(score))
  const source = whoSent(score, context)
  const facts = factsOf(state, score, context)
  const effects: VerdictEffect[] = []
  let suspected = false
  for (const [index, className] of model.classes.entries()) {
    if (className === 'BENIGN') continue
    const threshold = model.thresholds[index] ?? 1
    const said = newsOf(score.probabilities[index] ?? 0, threshold)
    const rule = ruleOf(className)
    const named = rule === null || facts === null || settings.kinds.length === 0 ? NOTHING_NAMED : nameEvidence(rule, settings.kinds, facts)
    const news = named === NOTHING_NAMED || rule === null ? said : combine(said, named, rule.doubt)
    suspected ||= news >= neededFor(threshold) / 2
    effects.push(...weighClass(state, model, { className, model: said, news, repeated: Math.min(said, news), named, threshold, score, source }, context, settings))
  }
  if (suspected) doubtHour(state.baselines, score)
  else learn(state, score, facts, context)
  return effects
}

/** What one score says of one class. */
interface Saying {
  readonly className: string
  /** Nats above the neutral point that the model says; with the named evidence; and of that, what may add up over windows. */
  readonly model: number
  readonly news: number
  readonly repeated: number
  readonly named: Named
  readonly threshold: number
  readonly score: Score
  readonly source: SourceEvidence
}

function weighClass (state: VerdictState, model: VerdictModel, saying: Saying, context: VerdictContext, settings: EvidenceSettings): VerdictEffect[] {
  const { className, news, threshold, score, source } = saying
  const key = subjectKey(score.key, className, source)
  const id = caseId(className, keyId(key), score.simulated)
  const known = state.cases.get(id)
  const speaksFor = news > 0
  if (known === undefined && !speaksFor) return []
  const ended = known !== undefined && isAnotherAttack(known, score) ? known : null
  if (ended !== null && !speaksFor) return []
  // What is enough by itself is heard, however much its observer has said before.
  if (known === undefined && news < neededFor(threshold) && !state.cases.admits(score.reporter, score.simulated)) return []
  const current = known === undefined || ended !== null ? newCase(className, key, score) : known
  if (!weigh(current, saying, key !== score.key, settings) || !speaksFor) return []
  if (current.detection !== null && current.detection.delaySeconds !== null && isEcho(current, score)) return []

  const effects = ended === null ? [] : close(ended)
  const crowdedOut = state.cases.put(id, current)
  if (crowdedOut !== null) effects.push(...close(crowdedOut))
  const strength = Math.max(...current.streams.map(({ evidence }) => evidence))
  const needed = neededFor(threshold)
  support(current, saying, confidenceOf(strength, threshold), context.nowMs)
  current.source = provedBy(current, saying, needed)
  const reached = strength >= needed ? 'open' : strength >= needed / 2 ? 'suspected' : null
  effects.push(...tell(state, model, current, saying, reached, context))
  return effects
}

function whoSent (score: Score, context: VerdictContext): SourceEvidence {
  if (score.key.kind === 'fan-in') return sourceEvidence(score, null, false)
  return sourceEvidence(score, context.whois(score.key.source), context.standsForMany(score.key.source))
}

/**
 * A tensor that still holds windows of the old attack speaks of the old attack: a 60 s window closes long after the
 * 0.5 s windows that found it fell silent, and what an observer sends again after a reconnection is not new.
 */
function isAnotherAttack (known: Case, score: Score): boolean {
  const spanStartMs = tensorStartMs(score)
  if (spanStartMs < known.lastSeenMs) return false
  return known.detection?.phase === 'closed' || (score.simulated && spanStartMs - known.lastSeenMs >= known.quietMs)
}

/** Adds the score to its observer's stream; false where that window counted before, or too many observers speak. */
function weigh (of: Case, { score, news, repeated, threshold, source }: Saying, gathered: boolean, settings: EvidenceSettings): boolean {
  const { reporter, stepMs, windowNumber } = score
  const said = { news, repeated }
  const stream = of.streams.find((known) => known.reporter === reporter && known.stepMs === stepMs)
  if (stream === undefined) {
    if (of.streams.length >= MAX_STREAMS) return false
    const evidence = accumulate(0, said, threshold, 0, settings)
    of.streams.push({ reporter, stepMs, windowNumber, evidence, handshake: source.completedHandshake ? evidence : 0, ownAccount: source.confirmedByOwnObserver ? evidence : 0 })
    return true
  }
  const steps = windowNumber - stream.windowNumber
  // Many senders of a forged flood speak for one victim in one window: the strongest counts, they do not add up.
  if (gathered && steps === 0) stream.evidence = Math.max(stream.evidence, accumulate(0, said, threshold, 0, settings))
  else if (steps <= 0) return false
  else {
    stream.evidence = accumulate(stream.evidence, said, threshold, steps, settings)
    const proved = (before: number, isProof: boolean): number => isProof ? accumulate(before, said, threshold, steps, settings) : fade(before, steps, settings)
    stream.handshake = proved(stream.handshake, source.completedHandshake)
    stream.ownAccount = proved(stream.ownAccount, source.confirmedByOwnObserver)
  }
  stream.windowNumber = windowNumber
  return true
}

function support (of: Case, { score }: Saying, confidence: number, nowMs: number): void {
  const stream = of.streams.find(({ reporter, stepMs }) => reporter === score.reporter && stepMs === score.stepMs)
  if (stream !== undefined) stream.supportedMs = Math.max(stream.supportedMs ?? 0, windowEndMs(score))
  of.count++
  of.confidence = Math.max(of.confidence, confidence)
  of.firstPacketMs = Math.min(of.firstPacketMs, firstPacketOf(score))
  of.firstSeenMs = Math.min(of.firstSeenMs, windowStartMs(score.window))
  of.lastSeenMs = Math.max(of.lastSeenMs, windowEndMs(score))
  of.touchedAtMs = nowMs
  of.quietMs = Math.max(of.quietMs, QUIET_STEPS * score.stepMs)
}

/**
 * What is known by now of who the source is. A proof counts where what was proved is enough by itself: else a pod's honest traffic, which
 * may look a little like an attack, would vouch for what another sends in its name. Proof stays proof, doubt stays doubt.
 */
function provedBy ({ source, streams }: Case, { source: { standsForMany } }: Saying, needed: number): SourceEvidence {
  return {
    completedHandshake: source.completedHandshake || streams.some(({ handshake }) => handshake >= needed),
    confirmedByOwnObserver: source.confirmedByOwnObserver || streams.some(({ ownAccount }) => ownAccount >= needed),
    ...(source.deniedByOwnObserver === true && { deniedByOwnObserver: true }),
    standsForMany: source.standsForMany || standsForMany,
  }
}

function tell (state: VerdictState, model: VerdictModel, of: Case, { score, model: said, news, named: { pieces: named } }: Saying, reached: 'open' | 'suspected' | null, context: VerdictContext): VerdictEffect[] {
  const before = of.detection
  if (before === null && reached === null) return []
  const chain = storyOf(state.chains, state.cases.values(), of, context.nowMs, context.newId)
  const wasOpen = before !== null && before.delaySeconds !== null
  const opens = reached === 'open' && !wasOpen
  const unfamiliar = opens ? context.unfamiliar(score) : null
  const moment = { model: said, news, named }
  const shown = before === null || opens || (wasOpen && isShown(before.explanation, moment))
  const explanation = shown ? shownFirst(firstAccount(of.className, score, model, state.baselines), moment, before?.explanation.named ?? null) : alsoNamed(before.explanation, moment)
  const told = before ?? firstTelling(of, context.newId(), chain, model, context.whois, explanation)
  const source = score.key.kind === 'fan-in' ? null : context.whois(score.key.source)
  // What it says of single windows does not take back what it answered of all of them.
  const isDenied = standingOf(of.source) === 'disputed' && isOwnObserver(score, source)
  of.detection = {
    ...withWitness(retold(of, told), score, isDenied ? false : agreementOf(score, source)),
    explanation,
    ...(shown && { model: model.version }),
    ...(opens && { delaySeconds: delayOf(of, score, context.nowMs) }),
    ...(unfamiliar !== null && { unfamiliar }),
    phase: opens || wasOpen ? 'open' : 'suspected',
  }
  if (opens && of.detection.target !== null) noteAttack(memoryOf(state, score), of.detection.target.address, { className: of.className, source: of.detection.source?.address ?? null, atMs: windowEndMs(score) })
  return [{ type: opens ? 'opened' : before === null ? 'suspected' : 'updated', detection: of.detection, source: of.source, score, isShown: shown }]
}

/** A replay is judged by its own clock, at the earliest moment at which its window could be known. */
function delayOf (of: Case, score: Score, nowMs: number): number {
  const openedMs = score.simulated ? windowEndMs(score) : nowMs
  return Math.max(0, openedMs - of.firstPacketMs) / 1000
}

function explained (state: VerdictState, id: string, explanation: Explanation): VerdictEffect[] {
  for (const found of state.cases.values()) {
    if (found.detection?.id !== id) continue
    const known = answered(found.detection.explanation, explanation)
    if (known === null) return []
    found.detection = { ...found.detection, explanation: known }
    return [{ type: 'updated', detection: found.detection, source: found.source, score: null, isShown: false }]
  }
  return []
}

/**
 *     comparison                                | witness of the source's observer | source
 *     agrees                                    | agrees                           | as it is: that the flows are its pod's does not say what they are
 *     saw-less, saw-nothing                     | disagrees                        | denied
 *     no-observer, cannot-tell, not-yet         | as it is                         | as it is
 */
function compared (state: VerdictState, { detection: id, reporter, comparison }: Extract<VerdictEvent, { type: 'compared' }>): VerdictEffect[] {
  const found = [...state.cases.values()].find(({ detection }) => detection?.id === id)
  const denies = comparison === 'saw-less' || comparison === 'saw-nothing'
  if (found?.detection == null || (!denies && comparison !== 'agrees')) return []
  if (denies) found.source = { ...found.source, deniedByOwnObserver: true }
  found.detection = withAnswer(found.detection, reporter, !denies)
  return [{ type: 'updated', detection: found.detection, source: found.source, score: null, isShown: false }]
}

function passTime (state: VerdictState, nowMs: number): VerdictEffect[] {
  const effects: VerdictEffect[] = []
  for (const [id, found] of state.cases.entries()) {
    const idleMs = nowMs - found.touchedAtMs
    const told = found.detection !== null && found.detection.phase !== 'closed'
    if (told && isQuiet(state, found, idleMs)) effects.push(...close(found))
    else if (!told && idleMs > FORGET_AFTER_MS) state.cases.delete(id)
  }
  return effects
}

function isQuiet (state: VerdictState, found: Case, idleMs: number): boolean {
  if (!found.simulated) return idleMs >= found.quietMs
  return state.replayMs - found.lastSeenMs >= found.quietMs || idleMs >= Math.max(found.quietMs, MIN_REPLAY_QUIET_MS)
}

function close (found: Case): VerdictEffect[] {
  if (found.detection === null || found.detection.phase === 'closed') return []
  found.detection = { ...found.detection, phase: 'closed' }
  return [{ type: 'closed', detection: found.detection, source: found.source, score: null, isShown: false }]
}
