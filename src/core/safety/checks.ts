import type { ReasonCode } from '../reason.ts'
import { admits, admitsAtMs } from './breaker.ts'
import { decide, fails, ofRestriction, passes, type Finding, type Hearing } from './hearing.ts'
import { cooldownOf } from './ledger.ts'
import { approved, maintained } from './people-checks.ts'
import { REACH } from './reach.ts'
import { standingOf } from './real-source.ts'
import type { SafetyCheck, SafetyRequest } from './safety.ts'
import { VERDICT_OF } from './verdict-of.ts'
import { blastRadius, trafficShare, workloadShare } from './width-checks.ts'
import { familiar, secondWitness } from './witness-check.ts'

interface Check {
  readonly check: string
  /** Why it fails, where it fails. */
  readonly reason: ReasonCode
  readonly look: (hearing: Hearing) => Finding
  /** It is about mesh policies alone. */
  readonly ofRollout?: true
}

/** Names rule, action and the two ends, for cooldowns and refusals. */
export const caseOf = ({ rule, actionIndex, step, source, target }: SafetyRequest): string => `${rule}#${actionIndex}${step === undefined ? '' : `/${step}`} ${source}>${target}`

const knownTarget = ofRestriction(({ request: { subject, source } }) => {
  if (subject === 'anySource') return passes('it restricts at the victim')
  return decide(subject !== null, `the source is pod ${subject?.namespace ?? ''}/${subject?.name ?? ''}`, `no known pod has the address ${source}`)
})

const onePod = ofRestriction(({ request: { subject, evidence, source } }) =>
  decide(subject === 'anySource' || !evidence.standsForMany, 'the address stands for one pod', `${source} stands for many: a node, a NAT or a gateway`))

const realSource = ofRestriction(({ request: { subject, evidence, source } }) => {
  if (subject === 'anySource') return passes('no source is named')
  switch (standingOf(evidence)) {
    case 'real': return passes(evidence.confirmedByOwnObserver ? `the observer of ${source} confirms it` : `${source} completed a handshake`)
    case 'unproved': return fails(`${source} neither completed a handshake nor is confirmed by its own observer, so it may be forged`)
    case 'disputed': return { ...fails(`the observer of ${source} was asked and did not see its pod send this: somebody on the way forges it, or one of the two observers lies`), reason: 'WitnessesDisagree' }
  }
})

const enforceable = ofRestriction(({ request: { cannotEnforce } }) =>
  cannotEnforce === null ? passes('an actuator can carry it') : { ...cannotEnforce, passed: false })

const spareNode = ({ request: { nodeNeeded } }: Hearing): Finding => nodeNeeded === null ? passes('no node that the cluster needs is taken from it') : fails(nodeNeeded)

const unprotected = ofRestriction(({ request: { protectedBy } }) => protectedBy === null ? passes('no pod that it touches is protected') : fails(protectedBy.how))

function notHalted ({ request: { action }, halt }: Hearing): Finding {
  if (REACH[action] === 'alert') return passes('an alert is given all the same')
  return halt === null ? passes('the kill switch is not pulled') : fails(`all new actions are stopped since ${halt.at} by ${halt.by}: ${halt.reason}`)
}

function notAnswered ({ request: { action, answeredByPairs } }: Hearing): Finding {
  if (REACH[action] === 'alert') return passes('an alert is given all the same')
  return answeredByPairs === null ? passes('no narrower detections answer it') : fails(answeredByPairs)
}

function notMitigated ({ request: { mitigatedBy } }: Hearing): Finding {
  return mitigatedBy === null ? passes('no mitigation of this case is in force') : fails(`mitigation ${mitigatedBy} is in force`)
}

function cooledDown ({ request, ledger, nowMs }: Hearing): Finding {
  const untilMs = cooldownOf(ledger.cooldowns, caseOf(request))
  if (untilMs === undefined) return passes(`no action on this case in the last ${request.cooldownSeconds} s`)
  // After a clock stepped back, no cooldown lasts longer than a new one would.
  const remainingMs = Math.min(untilMs - nowMs, request.cooldownSeconds * 1000)
  return decide(remainingMs <= 0, 'the cooldown has ended', `acted on this case already; ${Math.ceil(remainingMs / 1000)} s of ${request.cooldownSeconds} s remain`)
}

function circuitClosed ({ request, settings, ledger, nowMs }: Hearing): Finding {
  if (REACH[request.action] === 'alert') return passes('an alert needs no circuit')
  const admission = admits(ledger.breaker, settings.breaker, nowMs)
  const waitMs = (admitsAtMs(ledger.breaker, settings.breaker) ?? nowMs) - nowMs
  if (admission === 'pass') return passes('the circuit is closed')
  return decide(admission === 'trial', 'the circuit admits one trial', `the circuit is ${ledger.breaker.state}; the next trial is in ${Math.ceil(waitMs / 1000)} s`)
}

function underRate ({ request, settings, ledger }: Hearing): Finding {
  if (REACH[request.action] === 'alert') return passes('an alert uses up no action')
  const words = `${ledger.actions.length} of ${settings.actionsPerMinute} actions in the last minute`
  return decide(ledger.actions.length < settings.actionsPerMinute, words, words)
}

/** `*` stands for many and is nobody's budget. */
const within = (whose: 'rule' | 'target' | 'source') => ({ request, settings, ledger }: Hearing): Finding => {
  const name = request[whose]
  if (REACH[request.action] === 'alert') return passes('an alert uses up no action')
  if (name === '*') return passes(`no one ${whose} is named`)
  const [used, most] = [ledger.actions.filter((action) => action[whose] === name).length, settings.budgets[whose]]
  const words = `${used} of ${most} actions for ${whose} ${name} in the last minute`
  return decide(used < most, words, words)
}

const live = ({ request }: Hearing): Finding => decide(!request.simulatedEvidence, 'the evidence is live', 'the evidence is a replay')

const actuating = ({ settings }: Hearing): Finding => decide(settings.actuationEnabled, 'actuation is on', 'actuation is switched off')

const observing = ({ request: { rollout } }: Hearing): Finding => decide(rollout !== 'observe', 'the rollout is beyond observing', 'the rollout of the mesh policy observes: nothing is restricted')

const rolledOut = ({ request: { rollout } }: Hearing): Finding => decide(rollout === 'enforce', 'the rollout enforces in front of these pods', 'the rollout of the mesh policy does not enforce in front of these pods yet')

const possibleHere = ({ request: { action }, settings }: Hearing): Finding =>
  decide(settings.actions[action] !== 'needs-cluster', 'it can be done here', `${action} needs a cluster: it is planned, not done`)

const allowed = ({ request: { action }, settings }: Hearing): Finding =>
  decide(settings.actions[action] !== 'not-allowed', 'the operator allows it', `${action} is not among the actions that the operator allows: it is planned, not done`)

const configured = ({ request: { action }, settings }: Hearing): Finding =>
  decide(settings.actions[action] !== 'not-configured', 'it has what it needs', `${action} lacks a setting that it needs: it is planned, not done`)

/** In this order. The first that fails decides, and all are shown. */
const CHECKS: readonly Check[] = [
  { check: 'known-target', reason: 'UnknownTarget', look: knownTarget },
  { check: 'one-pod', reason: 'UnknownTarget', look: onePod },
  { check: 'protected', reason: 'ProtectedTarget', look: unprotected },
  { check: 'real-source', reason: 'ForgedSource', look: realSource },
  { check: 'enforceable', reason: 'CannotEnforce', look: enforceable },
  { check: 'spare-node', reason: 'NodeNeeded', look: spareNode },
  { check: 'blast-radius', reason: 'BlastRadius', look: blastRadius },
  { check: 'workload-share', reason: 'WorkloadShare', look: workloadShare },
  { check: 'traffic-share', reason: 'TrafficShare', look: trafficShare },
  { check: 'second-witness', reason: 'OneWitness', look: secondWitness },
  { check: 'familiar', reason: 'Unfamiliar', look: familiar },
  { check: 'rollout-restricts', reason: 'Observing', look: observing, ofRollout: true },
  { check: 'kill-switch', reason: 'Halted', look: notHalted },
  { check: 'narrowest', reason: 'AnsweredByPairs', look: notAnswered },
  { check: 'already-mitigated', reason: 'AlreadyMitigated', look: notMitigated },
  { check: 'cooldown', reason: 'Cooldown', look: cooledDown },
  { check: 'circuit-breaker', reason: 'CircuitOpen', look: circuitClosed },
  { check: 'rate-limit', reason: 'RateLimited', look: underRate },
  { check: 'rule-budget', reason: 'RuleBudget', look: within('rule') },
  { check: 'target-budget', reason: 'TargetBudget', look: within('target') },
  { check: 'source-budget', reason: 'SourceBudget', look: within('source') },
  { check: 'live-evidence', reason: 'SimulatedEvidence', look: live },
  { check: 'actuation', reason: 'ActuationDisabled', look: actuating },
  { check: 'rollout-enforces', reason: 'Rehearsed', look: rolledOut, ofRollout: true },
  { check: 'possible-here', reason: 'ActionNeedsCluster', look: possibleHere },
  { check: 'allowed', reason: 'ActionNotAllowed', look: allowed },
  { check: 'configured', reason: 'NotConfigured', look: configured },
  { check: 'maintenance-alert', reason: 'MaintenanceAlert', look: maintained('alert') },
  { check: 'maintenance-hold', reason: 'MaintenanceHold', look: maintained('hold') },
  { check: 'approval', reason: 'ApprovalRequired', look: approved },
]

const OF_FILES = CHECKS.filter(({ ofRollout }) => ofRollout === undefined)

/** A check that passed says `RuleMatched`: nothing held the rule back there. Where a person agreed, what waits for one passes. */
export function runChecks (hearing: Hearing): readonly SafetyCheck[] {
  const { rollout, approval } = hearing.request
  return (rollout === undefined ? OF_FILES : CHECKS).map(({ check, reason, look }) => {
    const { passed, message, reason: closer = reason } = look(hearing)
    if (!passed && typeof approval === 'object' && VERDICT_OF[closer] === 'hold') return { check, passed: true, reason: 'RuleMatched', message: `${message}; ${approval.by} agreed: ${approval.why}` }
    return { check, passed, reason: passed ? 'RuleMatched' : closer, message }
  })
}
