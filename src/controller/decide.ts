import { createErrand, type Errand } from '../core/errand/errand.ts'
import { createMitigation } from '../core/mitigation/lifecycle.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import { planAction } from '../core/plan/plan-action.ts'
import { planTemplate } from '../core/plan/plan-template.ts'
import { safetyRequest, type RequestGround } from '../core/plan/safety-request.ts'
import type { Plan } from '../core/plan/plan.ts'
import type { Pod } from '../core/pod.ts'
import type { Decision } from '../core/policy/decision.ts'
import { matchRules, type RuleOutcome } from '../core/policy/match-rules.ts'
import type { Action, Rule } from '../core/policy/rule.ts'
import { AutoshieldError } from '../core/errors.ts'
import { TEMPLATE_ANNOTATION } from '../core/rollout/basis.ts'
import type { Application } from '../core/rollout/apply.ts'
import { atSource } from '../core/safety/at-source.ts'
import type { Approval } from '../core/safety/approval.ts'
import { checkSafety } from '../core/safety/check-safety.ts'
import type { SafetyRequest, SafetyResult, SourceEvidence } from '../core/safety/safety.ts'
import type { SafetyState } from '../core/safety/state.ts'
import { answeredByPairs } from '../core/verdict/answered-by-pairs.ts'
import type { Detection } from '../core/verdict/detection.ts'
import { tensorStartMs, windowEndMs } from '../core/verdict/case.ts'
import { annotationsOf } from './mitigation-case.ts'
import { contextOf, protectionOf } from './plan-context.ts'
import type { Bench, Coverage, Hearing, Ruling } from './ruling.ts'

/**
 * What policy and safety make of a detection: one ruling for each action of each rule that fires and is not settled, or
 * one that says why no rule fired. Pure; the new safety state is to be kept.
 */
export function decide (hearing: Hearing, state: SafetyState, bench: Bench): { rulings: readonly Ruling[], state: SafetyState } {
  const { detection, scores: [newest], pairs } = hearing
  const facts = {
    detection,
    source: detection.source,
    target: detection.target,
    tensors: hearing.scores,
    atMs: windowEndMs(newest),
    zone: bench.zone,
    modelClasses: bench.modelClasses,
  }
  const outcomes = matchRules(bench.policy, facts)
  const applied = bench.applications.flatMap((application) => matchRules({ name: application.policy, rules: [application.rule] }, facts).map((outcome) => ({ outcome, application })))
  const fired: Case[] = [
    ...outcomes.flatMap(({ fired, rule, message }) => fired ? [...rule.actions.keys()].map((actionIndex) => ({ rule, actionIndex, matched: message, application: null })) : []),
    ...applied.flatMap(({ outcome: { fired, rule, message }, application }) => fired ? [{ rule, actionIndex: application.actionIndex, matched: message, application }] : []),
  ]
  if (fired.length === 0) return { rulings: [noRule(detection, bench, [...outcomes, ...applied.map(({ outcome }) => outcome)])], state }
  const rulings: Ruling[] = []
  for (const one of fired) {
    if (bench.isSettled(one.rule, one.actionIndex, detection, tensorStartMs(newest))) continue
    const ruled = ruleOn({ ...hearing, answeredByPairs: answeredByPairs(detection, newest, pairs.filter(({ confidence }) => confidence >= one.rule.confidenceThreshold)) }, one, state, bench)
    if (ruled === null) continue
    rulings.push(ruled.ruling)
    state = ruled.state
  }
  return { rulings, state }
}

/** One action of a rule that fired; `application`: the rule is a mesh policy's. */
interface Case {
  readonly rule: Rule
  readonly actionIndex: number
  readonly matched: string
  readonly application: Application | null
}

function ruleOn (hearing: Pick<Hearing, 'detection' | 'evidence'> & Pick<SafetyRequest, 'answeredByPairs'>, { rule, actionIndex, matched, application }: Case, before: SafetyState, bench: Bench, agreed: RequestGround['agreed'] = null): { ruling: Ruling, plan: Plan | null, state: SafetyState } | null {
  const { detection, evidence } = hearing
  const action = rule.actions[actionIndex]
  if (action === undefined) return null
  const excepted = bench.exceptedBy(rule, action, detection)
  if (excepted !== null) return { ruling: exceptedRuling(hearing.detection, { rule, actionIndex, matched, application }, action, excepted, bench), plan: null, state: before }
  const name = `m-${bench.newId()}`
  const policy = application?.policy ?? bench.policyOf(rule)
  const mode = detection.simulated || !bench.safety.actuationEnabled || (application?.part ?? 'enforce') !== 'enforce' ? 'shadow' : 'enforce'
  const guarded = protectionOf(detection, bench)
  const around = contextOf(rule, name, evidence, mode, bench)
  const { cluster: _, ...alone } = around
  // The restriction of a mesh policy is carried by proxies alone.
  const plan = application === null
    ? planAction(rule, atSource(action, guarded), detection, around)
    : planTemplate(rule, atSource(action, guarded), detection, { ...alone, policy, pods: bench.pods.filter((pod) => application.victims.has(pod.uid) || isEnd(pod, detection)) })
  const request = safetyRequest(rule, actionIndex, detection, plan, {
    ...bench.surroundings,
    evidence,
    answeredByPairs: hearing.answeredByPairs,
    mitigatedBy: bench.mitigatedBy(rule, actionIndex, detection, mode),
    agreed,
    nowMs: bench.nowMs,
    ...(application !== null && { rollout: application.part }),
  })
  if (request === null) return null
  const safety = checkSafety(before, request, bench.safety, bench.nowMs)
  const annotations = { ...annotationsOf(actionIndex, detection), ...(application !== null && { [TEMPLATE_ANNOTATION]: application.template }) }
  const mitigation = mitigationOf(name, plan, safety, annotations, detection, bench.nowMs)
  const decision: Decision = {
    id: bench.newId(),
    at: new Date(bench.nowMs).toISOString(),
    detection: detection.id,
    policy,
    rule: rule.name,
    ruleHash: bench.hashOf(rule),
    action: action.type,
    actionIndex,
    verdict: safety.verdict,
    reason: safety.reason,
    // Safety may speak in the plan's own words; they are said once.
    message: [...new Set([matched, safety.message, plan.message].map(sentence))].join(' '),
    safety: safety.checks.map((check) => ({ ...check })),
    mitigation: mitigation === null ? null : name,
    ...(safety.verdict === 'hold' && mode === 'enforce' && { approval: approvalOf(rule, evidence, bench.nowMs) }),
    plan: plan.objects.map((object) => ({ ...object })),
  }
  return { ruling: { decision, mitigation, errand: errandOf(plan, decision, rule, detection, bench.nowMs), rule, actionIndex }, plan, state: safety.state }
}

/** What waits for a person is asked about for real actions alone. */
export function approvalOf ({ approval: { deadlineSeconds, then } }: Rule, evidence: SourceEvidence, nowMs: number): Approval {
  return { state: 'waiting', deadline: new Date(nowMs + deadlineSeconds * 1000).toISOString(), then, evidence }
}

/**
 * Asks safety again about what waits, now that somebody agreed: with the rule, the pods and the state of now. null where its rule is
 * not in force any more, or asks for it no more. `plan`: null where an exception covers it. Pure, as `decide`.
 */
export function decideAgain (waiting: Decision, evidence: SourceEvidence, detection: Detection, agreed: NonNullable<RequestGround['agreed']>, state: SafetyState, bench: Bench): { ruling: Ruling, plan: Plan | null, state: SafetyState } | null {
  const { ruleHash, actionIndex } = waiting
  const is = (rule: Rule): boolean => rule.enabled && bench.hashOf(rule) === ruleHash
  const application = bench.applications.find((one) => is(one.rule) && one.actionIndex === actionIndex) ?? null
  const rule = application?.rule ?? bench.policy.rules.find(is)
  if (rule === undefined || actionIndex === undefined) return null
  return ruleOn({ detection, evidence, answeredByPairs: null }, { rule, actionIndex, matched: `${agreed.by} agreed: ${agreed.why}`, application }, state, bench, agreed)
}

/** Nothing is planned and no budget is used. */
function exceptedRuling (detection: Detection, { rule, actionIndex, matched, application }: Case, action: Action, { exception, words }: Coverage, bench: Bench): Ruling {
  const decision: Decision = {
    id: bench.newId(),
    at: new Date(bench.nowMs).toISOString(),
    detection: detection.id,
    policy: application?.policy ?? bench.policyOf(rule),
    rule: rule.name,
    ruleHash: bench.hashOf(rule),
    action: action.type,
    actionIndex,
    verdict: 'suppress',
    reason: 'Excepted',
    message: `${sentence(matched)} ${sentence(words)}`,
    safety: [{ check: 'exception', passed: false, reason: 'Excepted', message: sentence(words) }],
    exception,
    mitigation: null,
    plan: [],
  }
  return { decision, mitigation: null, errand: null, rule, actionIndex }
}

/** The pods of a detection's two ends are known to a plan whoever it restricts in front of. */
function isEnd ({ uid, addresses }: Pod, { source, target }: Detection): boolean {
  return [source, target].some((end) => end !== null && (end.uid === undefined ? addresses.includes(end.address) : end.uid === uid))
}

/**
 *     verdict                | spec of the plan | mitigation
 *     mitigate               | enforce          | enforced
 *     simulate               | shadow           | in shadow
 *     mitigate               | shadow           | a defect: thrown
 *     simulate               | enforce          | a defect: thrown
 *     mitigate, simulate     | none             | none: the action is done, or planned, outside of proxies and policies
 *     alert, hold, suppress  | -                | none
 */
function mitigationOf (name: string, plan: Plan, { verdict }: SafetyResult, annotations: Record<string, string>, detection: Detection, nowMs: number): Mitigation | null {
  if (plan.spec === null || (verdict !== 'mitigate' && verdict !== 'simulate')) return null
  if ((verdict === 'mitigate') !== (plan.spec.mode === 'enforce') || (detection.simulated && plan.spec.mode === 'enforce')) {
    throw new AutoshieldError('INTERNAL', `Safety says ${verdict} and the plan ${plan.spec.mode} for detection ${detection.id}: nothing is done.`)
  }
  return createMitigation(plan.spec, { name, uid: name, annotations, plan }, nowMs)
}

/**
 * An alert is sent whatever else is simulated, but one about a replay: nobody is to be called for what is none.
 *
 *     verdict  | reason    | replay | errand
 *     mitigate | -         | no     | the plan's, where it has one
 *     alert    | AlertOnly | no     | the plan's
 *     any      | any       | yes    | none
 *     else     |           |        | none
 */
function errandOf ({ errand }: Plan, { id, policy, ruleHash, verdict, reason }: Decision, { ttlSeconds }: Rule, detection: Detection, nowMs: number): Errand | null {
  if (errand === undefined || detection.simulated || (verdict !== 'mitigate' && reason !== 'AlertOnly')) return null
  return createErrand({ id, detection: detection.id, policy, ruleHash }, errand, ttlSeconds, nowMs)
}

/** The nearest miss is told: a rule that was almost met says more than one about another class. */
const NEARNESS = ['BelowThreshold', 'ConditionFalse', 'RuleDisabled', 'NoRule'] as const

function noRule (detection: Detection, bench: Bench, outcomes: readonly RuleOutcome[]): Ruling {
  const missed = NEARNESS.flatMap((reason) => outcomes.filter((outcome) => outcome.reason === reason))[0]
  const decision: Decision = {
    id: bench.newId(),
    at: new Date(bench.nowMs).toISOString(),
    detection: detection.id,
    policy: bench.policy.name,
    rule: '',
    ruleHash: '',
    action: null,
    verdict: 'alert',
    reason: missed?.fired === false ? missed.reason : 'NoRule',
    message: sentence(missed?.message ?? `policy ${bench.policy.name} has no rule`),
    safety: [],
    mitigation: null,
    plan: [],
  }
  return { decision, mitigation: null, errand: null, rule: null, actionIndex: -1 }
}

export const sentence = (words: string): string => words === '' ? '' : `${words.charAt(0).toUpperCase()}${words.slice(1).replace(/\.$/, '')}.`
