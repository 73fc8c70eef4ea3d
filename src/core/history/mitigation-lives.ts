import { PROTOCOLS } from '../flow/packet.ts'
import { planAction } from '../plan/plan-action.ts'
import type { Plan } from '../plan/plan.ts'
import type { Pod } from '../pod.ts'
import type { Verdict } from '../policy/decision.ts'
import type { ActionType } from '../policy/action-type.ts'
import type { Action, Policy, Rule } from '../policy/rule.ts'
import { tryPolicy, type Tried } from '../policy/try-policy.ts'
import type { Judging, RuleVerdict } from '../policy/why.ts'
import type { SourceEvidence } from '../safety/safety.ts'
import { ALWAYS_PROTECTED_NAMESPACES } from '../safety/settings.ts'
import type { Detection } from '../verdict/detection.ts'
import type { FlowRecord } from './flow-record.ts'
import { SeenPods } from './seen-pods.ts'
import { touchOf, type Touch } from './touch.ts'

/** What would be restricted for one detection, and when. */
export interface Life {
  readonly detection: string
  /** Id of the rule. */
  readonly rule: string
  readonly action: ActionType
  /** What would be made of the action before safety; a `hold` is reckoned as agreed to, and `simulate` as done. */
  readonly verdict: Verdict
  readonly effect: 'cut' | 'limited'
  /** Unix time; for pods that are gone `Infinity`. */
  readonly fromMs: number
  readonly untilMs: number
  readonly touch: Touch
}

/** An action that would change no traffic. */
export interface Idle {
  readonly detection: string
  readonly rule: string
  readonly action: ActionType
  readonly message: string
}

export interface Lives {
  readonly lives: readonly Life[]
  readonly idle: readonly Idle[]
  /** Of each detection, rules whose condition asks for what was not kept with it. */
  readonly untold: readonly (readonly RuleVerdict[])[]
  /** Detections for which some rule fires. */
  readonly fired: number
}

/**
 * What policies would have restricted for detections that opened, each from its first sight until one time to live after its last; that
 * an end may be brought forward when the attack is over is not reckoned. Plans are made with the pods of the recorded flows; safety and policies in force are not asked.
 */
export function mitigationLives (policies: readonly Policy[], detections: readonly Detection[], records: readonly FlowRecord[], judging: Judging): Lives {
  const [seen, answers] = [new SeenPods(records), answersIn(records)]
  const tried = detections.map((detection) => policies.map((policy) => ({ policy, ...tryPolicy(policy, detection, judging) })))
  const made = tried.flat().flatMap((one) => casesOf(one).map((given) => lifeOf(given, one.detection, seen, answers)))
  return {
    lives: made.filter((one) => 'touch' in one),
    idle: made.filter((one) => 'message' in one),
    untold: tried.map((some) => some.flatMap(({ untold }) => untold)).filter(({ length }) => length > 0),
    fired: tried.filter((some) => some.some(({ rules }) => rules.length > 0)).length,
  }
}

/** Restrictions that rules which fire ask for; messages are none. */
function casesOf ({ policy, rules }: Pick<Tried, 'rules'> & { readonly policy: Policy }): Case[] {
  return rules.flatMap(({ id, actions }) => policy.rules.filter((rule) => rule.id === id).flatMap((rule) => rule.actions.flatMap((action, at): Case[] => {
    const verdict = actions[at]?.verdict
    return verdict === undefined || action.type === 'alert_only' || action.type === 'custom_webhook' ? [] : [{ policy: policy.name, rule, action, verdict }]
  })))
}

interface Case { readonly policy: string, readonly rule: Rule, readonly action: Action, readonly verdict: Verdict }

function lifeOf ({ policy, rule, action, verdict }: Case, detection: Detection, seen: SeenPods, answers: Answers): Life | Idle {
  const [fromMs, lastMs] = [Date.parse(detection.firstSeen), Date.parse(detection.lastSeen)]
  const pods = seen.during(fromMs, lastMs, detection)
  const plan = planAction(rule, action, detection, {
    policy,
    // Nothing is stored, so nobody asks later by which rule it was.
    ruleHash: '',
    mitigation: `of-${detection.id}`,
    pods,
    evidence: evidenceOf(detection, answers),
    nowMs: fromMs,
    spared: ALWAYS_PROTECTED_NAMESPACES,
    inForce: [],
    mode: 'enforce',
  })
  const base = { detection: detection.id, rule: rule.id, action: action.type }
  const touch = touchOf(plan, action, { pods, later: seen.since(fromMs), spared: ALWAYS_PROTECTED_NAMESPACES })
  if (touch === null) return { ...base, message: plan.message }
  const shared = hostOf(plan)
  if (shared !== null) return { ...base, message: `${shared.namespace}/${shared.name} is on its node's network: its address is of many, and no restriction touches it.` }
  const untilMs = touch.kind === 'gone' ? Number.POSITIVE_INFINITY : lastMs + rule.ttlSeconds * 1000
  return { ...base, verdict, effect: plan.spec?.action === 'limit' ? 'limited' : 'cut', fromMs, untilMs, touch }
}

const hostOf = ({ subject, spec }: Plan): Pod | null => spec !== null && spec.node === undefined && subject !== null && subject !== 'anySource' && subject.hostNetwork === true ? subject : null

/** Flows in which something came back over TCP, by the address of their source. */
type Answers = ReadonlyMap<string, readonly FlowRecord[]>
const answersIn = (records: readonly FlowRecord[]): Answers => Map.groupBy(records.filter(({ protocol, bytesReceived }) => protocol === PROTOCOLS.tcp && bytesReceived > 0), ({ source }) => source.address)

/**
 * What proves the source, as far as it was kept: its own observer is a witness that does not deny it, or something came back to it over TCP meanwhile. Of a
 * replay it counts as proven, as it does live.
 */
function evidenceOf ({ simulated, witnesses, source, target, firstSeen, lastSeen }: Detection, answers: Answers): SourceEvidence {
  const isOfIt = (record: FlowRecord): boolean => (target === null || record.destination.address === target.address) && record.firstMs <= Date.parse(lastSeen) && record.lastMs > Date.parse(firstSeen)
  const uid = source?.uid
  return {
    completedHandshake: source !== null && answers.get(source.address)?.some(isOfIt) === true,
    confirmedByOwnObserver: simulated || (uid !== undefined && witnesses.some(({ reporter, agrees }) => agrees !== false && reporter.endsWith(`/pod/${uid}`))),
    standsForMany: false,
  }
}
