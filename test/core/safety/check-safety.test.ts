import fc from 'fast-check'
import t from 'tap'
import type { Pod } from '../../../src/core/pod.ts'
import { ACTION_TYPES } from '../../../src/core/policy/action-type.ts'
import { checkSafety } from '../../../src/core/safety/check-safety.ts'
import type { Outcome } from '../../../src/core/safety/breaker.ts'
import { recordOutcome } from '../../../src/core/safety/ledger.ts'
import type { SafetyRequest, SafetyResult } from '../../../src/core/safety/safety.ts'
import { DEFAULT_ACTIONS, DEFAULT_SAFETY_SETTINGS, type SafetySettings } from '../../../src/core/safety/settings.ts'
import { EMPTY_SAFETY_STATE, parseSafetyState, type SafetyState } from '../../../src/core/safety/state.ts'

const NOW_MS = 1_800_000_000_000

const pod = (name: string, overrides: Partial<Pod> = {}): Pod => ({ uid: `uid-${name}`, namespace: 'shop', name, addresses: ['10.0.0.1'], labels: {}, node: 'n1', ...overrides })

/** With no budget narrower than the rate, unless told otherwise. */
const settings = (overrides: Partial<SafetySettings> = {}): SafetySettings => ({ ...DEFAULT_SAFETY_SETTINGS, actuationEnabled: true, budgets: { rule: 1000, target: 1000, source: 1000 }, ...overrides })

const request = (overrides: Partial<SafetyRequest> = {}): SafetyRequest => ({
  rule: 'scan',
  source: '10.0.0.1',
  target: '10.0.0.2',
  action: 'network_policy',
  actionIndex: 0,
  subject: pod('web-0'),
  evidence: { completedHandshake: true, confirmedByOwnObserver: true, standsForMany: false },
  cannotEnforce: null,
  nodeNeeded: null,
  blastRadius: [pod('web-0')],
  blastRadiusLimit: 1,
  protectedBy: null,
  workloads: [],
  traffic: null,
  window: null,
  approval: 'unneeded',
  unfamiliar: null,
  cooldownSeconds: 600,
  answeredByPairs: null,
  mitigatedBy: null,
  simulatedEvidence: false,
  ...overrides,
})

/** Actions on `request()` that still count for a millisecond. */
const acted = (count: number) => Array.from({ length: count }, () => ({ atMs: NOW_MS - 59_999, rule: 'scan', source: '10.0.0.1', target: '10.0.0.2' }))

const CHECKS = ['known-target', 'one-pod', 'protected', 'real-source', 'enforceable', 'spare-node', 'blast-radius', 'workload-share', 'traffic-share', 'second-witness', 'familiar', 'kill-switch', 'narrowest', 'already-mitigated', 'cooldown', 'circuit-breaker', 'rate-limit', 'rule-budget', 'target-budget', 'source-budget', 'live-evidence', 'actuation', 'possible-here', 'allowed', 'configured', 'maintenance-alert', 'maintenance-hold', 'approval']
const failed = (result: SafetyResult): readonly string[] => result.checks.filter(({ passed }) => !passed).map(({ check }) => check)

t.test('each thing that may hold an action back does so, alone, with its own reason and verdict', (t) => {
  const evidence = { completedHandshake: true, confirmedByOwnObserver: true, standsForMany: false }
  const cooling = checkSafety(EMPTY_SAFETY_STATE, request(), settings(), NOW_MS).state
  const open: SafetyState = { ...EMPTY_SAFETY_STATE, enforced: { ...EMPTY_SAFETY_STATE.enforced, breaker: { state: 'open', untilMs: NOW_MS + 1, openMs: 60_000 } } }
  const busy: SafetyState = { ...EMPTY_SAFETY_STATE, enforced: { ...EMPTY_SAFETY_STATE.enforced, actions: acted(10) } }
  const spent = { ...EMPTY_SAFETY_STATE, enforced: { ...EMPTY_SAFETY_STATE.enforced, actions: acted(2) } }
  const budgets = { rule: 3, target: 3, source: 3 }
  const table: [string, Partial<SafetyRequest>, Partial<SafetySettings>, SafetyState, string, string][] = [
    ['known-target', { subject: null, blastRadius: [] }, {}, EMPTY_SAFETY_STATE, 'alert', 'UnknownTarget'],
    ['one-pod', { evidence: { ...evidence, standsForMany: true } }, {}, EMPTY_SAFETY_STATE, 'alert', 'UnknownTarget'],
    ['protected', { protectedBy: { kind: 'namespace', name: 'kube-system', by: 'system', how: 'Namespace kube-system is the cluster\'s own.' } }, {}, EMPTY_SAFETY_STATE, 'alert', 'ProtectedTarget'],
    ['real-source', { evidence: { ...evidence, completedHandshake: false, confirmedByOwnObserver: false } }, {}, EMPTY_SAFETY_STATE, 'alert', 'ForgedSource'],
    ['enforceable', { cannotEnforce: { reason: 'CannotEnforce', message: 'nothing can' } }, {}, EMPTY_SAFETY_STATE, 'alert', 'CannotEnforce'],
    ['spare-node', { action: 'node_quarantine', nodeNeeded: 'node n1 is the last' }, { actions: { ...DEFAULT_ACTIONS, node_quarantine: 'here' } }, EMPTY_SAFETY_STATE, 'alert', 'NodeNeeded'],
    ['blast-radius', { blastRadius: [pod('a'), pod('b')] }, {}, EMPTY_SAFETY_STATE, 'hold', 'BlastRadius'],
    ['workload-share', { workloads: [{ workload: 'shop/Deployment/web', ready: 4, restricted: 2, more: 1 }] }, {}, EMPTY_SAFETY_STATE, 'hold', 'WorkloadShare'],
    ['traffic-share', { traffic: { namespace: 'shop', seen: 20, cut: 11 } }, {}, EMPTY_SAFETY_STATE, 'hold', 'TrafficShare'],
    ['second-witness', { action: 'pod_isolation', evidence: { ...evidence, confirmedByOwnObserver: false } }, {}, EMPTY_SAFETY_STATE, 'hold', 'OneWitness'],
    ['familiar', { unfamiliar: 'shop' }, {}, EMPTY_SAFETY_STATE, 'hold', 'Unfamiliar'],
    ['kill-switch', {}, {}, { ...EMPTY_SAFETY_STATE, halt: { by: 'ada', reason: 'it cut the shop off', at: '2026-01-01T00:00:00.000Z' } }, 'suppress', 'Halted'],
    ['narrowest', { answeredByPairs: 'it is aimed at shop/db' }, {}, EMPTY_SAFETY_STATE, 'suppress', 'AnsweredByPairs'],
    ['already-mitigated', { mitigatedBy: 'm-1' }, {}, EMPTY_SAFETY_STATE, 'suppress', 'AlreadyMitigated'],
    ['cooldown', {}, {}, cooling, 'suppress', 'Cooldown'],
    ['circuit-breaker', {}, {}, open, 'suppress', 'CircuitOpen'],
    ['rate-limit', {}, {}, busy, 'suppress', 'RateLimited'],
    ['rule-budget', {}, { budgets: { ...budgets, rule: 2 } }, spent, 'suppress', 'RuleBudget'],
    ['target-budget', {}, { budgets: { ...budgets, target: 2 } }, spent, 'suppress', 'TargetBudget'],
    ['source-budget', {}, { budgets: { ...budgets, source: 2 } }, spent, 'suppress', 'SourceBudget'],
    ['live-evidence', { simulatedEvidence: true }, {}, EMPTY_SAFETY_STATE, 'simulate', 'SimulatedEvidence'],
    ['actuation', {}, { actuationEnabled: false }, EMPTY_SAFETY_STATE, 'simulate', 'ActuationDisabled'],
    ['possible-here', { action: 'pod_termination' }, {}, EMPTY_SAFETY_STATE, 'simulate', 'ActionNeedsCluster'],
    ['allowed', { action: 'pod_termination' }, { actions: { ...DEFAULT_SAFETY_SETTINGS.actions, pod_termination: 'not-allowed' } }, EMPTY_SAFETY_STATE, 'simulate', 'ActionNotAllowed'],
    ['configured', { action: 'custom_webhook' }, {}, EMPTY_SAFETY_STATE, 'simulate', 'NotConfigured'],
    ['maintenance-alert', { window: { name: 'release', effect: 'alert', to: '06:00', zone: 'UTC' } }, {}, EMPTY_SAFETY_STATE, 'alert', 'MaintenanceAlert'],
    ['maintenance-hold', { window: { name: 'release', effect: 'hold', to: '06:00', zone: 'UTC' } }, {}, EMPTY_SAFETY_STATE, 'hold', 'MaintenanceHold'],
    ['approval', { approval: 'needed' }, {}, EMPTY_SAFETY_STATE, 'hold', 'ApprovalRequired'],
  ]
  t.strictSame(table.map(([check]) => check), CHECKS)
  for (const [check, change, set, state, verdict, reason] of table) {
    const result = checkSafety(state, request(change), settings(set), NOW_MS)
    t.strictSame({ failed: failed(result), verdict: result.verdict, reason: result.reason }, { failed: [check], verdict, reason })
    t.strictSame(result.checks.map((one) => one.check), CHECKS, 'all checks are shown, in order')
    t.match(result.message, /.{8}/)
  }
  for (const reason of ['AddsUp', 'OpensTraffic'] as const) {
    const result = checkSafety(EMPTY_SAFETY_STATE, request({ cannotEnforce: { reason, message: 'policies of others' } }), settings(), NOW_MS)
    t.match(result, { verdict: 'alert', reason, message: 'policies of others' }, 'what is the matter with the plan is said by the plan\'s own reason')
  }
  const free = checkSafety(EMPTY_SAFETY_STATE, request(), settings(), NOW_MS)
  t.strictSame({ failed: failed(free), verdict: free.verdict, reason: free.reason }, { failed: [], verdict: 'mitigate', reason: 'RuleMatched' })
  t.end()
})

t.test('a mesh policy tells, rehearses or enforces as far as its rollout has come, whatever else is ready', (t) => {
  const rows: [SafetyRequest['rollout'], string, string, string[]][] = [
    ['observe', 'alert', 'Observing', ['rollout-restricts', 'rollout-enforces']], ['rehearse', 'simulate', 'Rehearsed', ['rollout-enforces']], ['enforce', 'mitigate', 'RuleMatched', []],
  ]
  for (const [rollout, verdict, reason, wrong] of rows) {
    const result = checkSafety(EMPTY_SAFETY_STATE, { ...request(), ...rollout !== undefined && { rollout } }, settings(), NOW_MS)
    t.strictSame([result.verdict, result.reason, failed(result)], [verdict, reason, wrong])
    t.equal(result.state.enforced.actions.length, rollout === 'enforce' ? 1 : 0, 'what is rehearsed uses up nothing of what is enforced')
  }
  t.end()
})

t.test('a source may be restricted only where it is proved to be real, for every row of the table', (t) => {
  const rows: [SafetyRequest['subject'], boolean, boolean, boolean][] = [
    ['anySource', false, false, true], ['anySource', true, true, true],
    [pod('a'), true, false, true], [pod('a'), true, true, true], [pod('a'), false, true, true], [pod('a'), false, false, false], [null, false, false, false],
  ]
  for (const [subject, completedHandshake, confirmedByOwnObserver, passes] of rows) {
    const result = checkSafety(EMPTY_SAFETY_STATE, request({ subject, evidence: { completedHandshake, confirmedByOwnObserver, standsForMany: false } }), settings(), NOW_MS)
    t.equal(result.checks.find(({ check }) => check === 'real-source')?.passed, passes)
  }
  t.end()
})

t.test('a source whose own observer denies what the victim tells is told of and not restricted, but at the victim', (t) => {
  const denied = { completedHandshake: true, confirmedByOwnObserver: false, deniedByOwnObserver: true, standsForMany: false } as const
  t.match(checkSafety(EMPTY_SAFETY_STATE, request({ evidence: denied }), settings(), NOW_MS), { verdict: 'alert', reason: 'WitnessesDisagree', message: /did not see its pod send this/ })
  const agreed = checkSafety(EMPTY_SAFETY_STATE, request({ evidence: denied, approval: { by: 'ada', why: 'sure' } }), settings(), NOW_MS)
  t.equal(agreed.reason, 'WitnessesDisagree', 'nobody can agree to it')
  t.equal(checkSafety(EMPTY_SAFETY_STATE, request({ evidence: denied, subject: 'anySource' }), settings(), NOW_MS).verdict, 'mitigate')
  t.equal(checkSafety(EMPTY_SAFETY_STATE, request({ evidence: { ...denied, confirmedByOwnObserver: true } }), settings(), NOW_MS).verdict, 'mitigate', 'what it saw of its pod itself counts more')
  t.end()
})

t.test('one observer alone causes no more than a cut towards its own pod, for every row of the table', (t) => {
  const beyond = ['pod_isolation', 'pod_termination', 'node_quarantine']
  for (const action of ACTION_TYPES) {
    for (const [subject, confirmedByOwnObserver] of [[pod('a'), false], [pod('a'), true], ['anySource', false], ['anySource', true]] as const) {
      const { checks } = checkSafety(EMPTY_SAFETY_STATE, request({ action, subject, evidence: { completedHandshake: true, confirmedByOwnObserver, standsForMany: false } }), settings(), NOW_MS)
      t.equal(checks.find(({ check }) => check === 'second-witness')?.passed, !beyond.includes(action) || confirmedByOwnObserver || subject === 'anySource', `${action} ${String(confirmedByOwnObserver)}`)
    }
  }
  t.end()
})

t.test('where a person agreed, what waits for one passes and says so; what nobody may allow does not', (t) => {
  const approval = { by: 'ada', why: 'seen it' }
  const wide = { blastRadius: [pod('a'), pod('b')], workloads: [{ workload: 'shop/Deployment/web', ready: 4, restricted: 2, more: 1 }], traffic: { namespace: 'shop', seen: 20, cut: 20 }, window: { name: 'release', effect: 'hold', to: '06:00', zone: 'UTC' } } as const
  const asked = checkSafety(EMPTY_SAFETY_STATE, request({ ...wide, approval: 'needed' }), settings(), NOW_MS)
  t.strictSame(failed(asked), ['blast-radius', 'workload-share', 'traffic-share', 'maintenance-hold', 'approval'])
  const agreed = checkSafety(EMPTY_SAFETY_STATE, request({ ...wide, approval }), settings(), NOW_MS)
  t.strictSame([agreed.verdict, failed(agreed)], ['mitigate', []])
  t.match(agreed.checks.find(({ check }) => check === 'blast-radius')?.message, /more than the 1 .*; ada agreed: seen it/)
  const never: [Partial<SafetyRequest>, string][] = [
    [{ protectedBy: { kind: 'namespace', name: 'a', by: 'own', how: 'ours' } }, 'ProtectedTarget'], [{ subject: null }, 'UnknownTarget'],
    [{ evidence: { completedHandshake: false, confirmedByOwnObserver: false, standsForMany: false } }, 'ForgedSource'],
    [{ window: { name: 'release', effect: 'alert', to: '06:00', zone: 'UTC' } }, 'MaintenanceAlert'], [{ mitigatedBy: 'm-1' }, 'AlreadyMitigated'],
  ]
  for (const [change, reason] of never) t.equal(checkSafety(EMPTY_SAFETY_STATE, request({ ...change, approval }), settings(), NOW_MS).reason, reason)
  const halt = { by: 'bob', reason: 'wrong', at: '2026-01-01T00:00:00.000Z' }
  t.equal(checkSafety({ ...EMPTY_SAFETY_STATE, halt }, request({ approval }), settings(), NOW_MS).reason, 'Halted')
  t.end()
})

t.test('a share of the traffic counts from enough conversations on, for every row of the table', (t) => {
  const rows: [SafetyRequest['traffic'], boolean][] = [[null, true], [{ namespace: 'shop', seen: 19, cut: 19 }, true], [{ namespace: 'shop', seen: 20, cut: 10 }, true], [{ namespace: 'shop', seen: 20, cut: 11 }, false]]
  for (const [traffic, passes] of rows) {
    t.equal(checkSafety(EMPTY_SAFETY_STATE, request({ traffic }), settings(), NOW_MS).checks.find(({ check }) => check === 'traffic-share')?.passed, passes)
  }
  t.end()
})

t.test('an alert is given in a maintenance window, and waits for nobody', (t) => {
  for (const effect of ['hold', 'alert'] as const) t.equal(checkSafety(EMPTY_SAFETY_STATE, request({ action: 'alert_only', window: { name: 'w', effect, to: '06:00', zone: 'UTC' } }), settings(), NOW_MS).reason, 'AlertOnly')
  t.end()
})

t.test('an alert is given whatever would hold a restriction back, and only its cooldown silences it', (t) => {
  const change: Partial<SafetyRequest> = { action: 'alert_only', subject: null, evidence: { completedHandshake: false, confirmedByOwnObserver: false, standsForMany: true }, blastRadius: [] }
  const first = checkSafety(EMPTY_SAFETY_STATE, request(change), settings(), NOW_MS)
  t.strictSame([first.verdict, first.reason], ['alert', 'AlertOnly'])
  t.equal(first.state.enforced.actions.length, 0, 'it uses up no action')
  t.equal(checkSafety(first.state, request(change), settings(), NOW_MS + 599_999).reason, 'Cooldown')
  t.equal(checkSafety(first.state, request(change), settings(), NOW_MS + 600_000).reason, 'AlertOnly')
  t.equal(checkSafety(EMPTY_SAFETY_STATE, request({ ...change, simulatedEvidence: true }), settings(), NOW_MS).reason, 'AlertOnly')
  t.end()
})

t.test('a cooldown is kept for each rule, action, source and target, and outlives a restart', (t) => {
  const { state } = checkSafety(EMPTY_SAFETY_STATE, request(), settings(), NOW_MS)
  const kept = parseSafetyState(JSON.parse(JSON.stringify(state)))
  t.strictSame(kept, state)
  const reasonOf = (change: Partial<SafetyRequest>, nowMs = NOW_MS + 1000): string => checkSafety(kept ?? EMPTY_SAFETY_STATE, request(change), settings(), nowMs).reason
  t.equal(reasonOf({}), 'Cooldown')
  t.equal(reasonOf({ rule: 'other' }), 'RuleMatched')
  t.equal(reasonOf({ actionIndex: 1 }), 'RuleMatched')
  t.equal(reasonOf({ source: '10.0.0.9' }), 'RuleMatched')
  t.equal(reasonOf({ target: '10.0.0.9' }), 'RuleMatched')
  t.equal(reasonOf({}, NOW_MS + 600_000), 'RuleMatched')
  t.end()
})

t.test('what holds or alerts uses up nothing, so the action passes as soon as the evidence is there', (t) => {
  const forged = request({ evidence: { completedHandshake: false, confirmedByOwnObserver: false, standsForMany: false } })
  const { state } = checkSafety(EMPTY_SAFETY_STATE, forged, settings(), NOW_MS)
  t.equal(state, EMPTY_SAFETY_STATE)
  t.equal(checkSafety(state, request(), settings(), NOW_MS + 1).verdict, 'mitigate')
  t.end()
})

t.test('a replay beside live traffic uses up none of its allowance, and the other way round', (t) => {
  let state: SafetyState = EMPTY_SAFETY_STATE
  for (let index = 0; index < 50; index++) state = checkSafety(state, request({ simulatedEvidence: true, source: `10.1.0.${index}` }), settings(), NOW_MS).state
  t.equal(checkSafety(state, request({ simulatedEvidence: true, source: '10.2.0.1' }), settings(), NOW_MS).reason, 'CircuitOpen')
  t.equal(checkSafety(state, request(), settings(), NOW_MS).verdict, 'mitigate')
  t.end()
})

t.test('what goes wild leaves room for the rest: each rule, target and source has a share of the rate, and nobody has that of many', (t) => {
  const budgets = { rule: 2, target: 2, source: 2 }
  const after = (requests: readonly Partial<SafetyRequest>[]): SafetyState => requests.reduce<SafetyState>((state, change) => checkSafety(state, request(change), settings({ budgets }), NOW_MS).state, EMPTY_SAFETY_STATE)
  const reasonOf = (state: SafetyState, change: Partial<SafetyRequest>, nowMs = NOW_MS): string => checkSafety(state, request(change), settings({ budgets }), nowMs).reason
  const each = (whose: 'rule' | 'target' | 'source') => ['a', 'b'].map((name) => ({ rule: `rule ${name}`, target: `target ${name}`, source: `source ${name}`, [whose]: 'one' }))
  const other = { rule: 'rule c', target: 'target c', source: 'source c' }
  for (const [whose, reason] of [['rule', 'RuleBudget'], ['target', 'TargetBudget'], ['source', 'SourceBudget']] as const) {
    const spent = after(each(whose))
    t.equal(reasonOf(spent, { ...other, [whose]: 'one' }), reason)
    t.equal(reasonOf(spent, other), 'RuleMatched', 'another passes')
    t.equal(reasonOf(spent, { ...other, [whose]: 'one' }, NOW_MS + 60_000), 'RuleMatched', 'a minute later it passes')
  }
  t.equal(reasonOf(after([...each('source'), ...each('source')].map((change, index) => ({ ...change, rule: String(index), target: String(index), source: '*' }))), { ...other, source: '*' }), 'RuleMatched')
  t.end()
})

t.test('a clock that steps back blocks nothing for longer than a new action would', (t) => {
  let state: SafetyState = EMPTY_SAFETY_STATE
  for (let index = 0; index < 10; index++) state = checkSafety(state, request({ source: `10.1.0.${index}` }), settings(), NOW_MS).state
  const earlierMs = NOW_MS - 86_400_000
  const refused = checkSafety(state, request({ source: '10.2.0.1' }), settings(), earlierMs)
  t.equal(refused.reason, 'RateLimited')
  t.equal(checkSafety(refused.state, request({ source: '10.2.0.1' }), settings(), earlierMs + 60_000).verdict, 'mitigate')
  t.end()
})

t.test('cooldowns are bounded, and what is dropped is counted', (t) => {
  let state: SafetyState = EMPTY_SAFETY_STATE
  for (let index = 0; index < 20; index++) state = checkSafety(state, request({ action: 'alert_only', source: `10.1.0.${index}` }), settings({ maxCooldowns: 8 }), NOW_MS + index).state
  t.equal(state.enforced.cooldowns.length, 8)
  t.equal(state.enforced.droppedCooldowns, 12)
  t.match(state.enforced.cooldowns.at(-1), { case: 'scan#0 10.1.0.19>10.0.0.2' })
  t.end()
})

t.test('a kept state that is malformed is not taken', (t) => {
  for (const bad of [null, 1, {}, { enforced: EMPTY_SAFETY_STATE.enforced }, { ...EMPTY_SAFETY_STATE, enforced: { ...EMPTY_SAFETY_STATE.enforced, breaker: { state: 'ajar' } } }, { ...EMPTY_SAFETY_STATE, extra: 1 }]) {
    t.equal(parseSafetyState(bad), null)
  }
  t.end()
})

type Event = { readonly type: 'ask', readonly change: Partial<SafetyRequest> } | { readonly type: 'outcome', readonly outcome: Outcome }
const event: fc.Arbitrary<{ afterMs: number, event: Event }> = fc.record({
  afterMs: fc.oneof(fc.nat(500), fc.nat(20_000), fc.nat(120_000)),
  event: fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({ source: fc.nat(30), action: fc.constantFrom(...ACTION_TYPES), simulatedEvidence: fc.boolean() }).map(
        ({ source, ...change }): Event => ({ type: 'ask', change: { ...change, source: `10.0.0.${source}`, cooldownSeconds: source % 4 * 30 } }))
    },
    { weight: 1, arbitrary: fc.constantFrom<Event>(...(['succeeded', 'failed', 'undone', 'harmful'] as const).map((outcome): Event => ({ type: 'outcome', outcome }))) }
  ),
})
const SMALL = settings({ actionsPerMinute: 4, maxCooldowns: 16, breaker: { failures: 2, regrets: 2, regretWindowMs: 100_000, refusals: 3, windowMs: 60_000, openMs: 10_000, maxOpenMs: 40_000, trialMs: 5000 } })

t.test('whatever happens: never more actions in any 60 s than allowed, no cooldown is broken, the state stays small and readable', (t) => {
  let actedInAll = 0
  t.doesNotThrow(() => fc.assert(fc.property(fc.array(event, { maxLength: 120 }), (events) => {
    let state: SafetyState = EMPTY_SAFETY_STATE
    let nowMs = NOW_MS
    const acted: { at: number, lane: string }[] = []
    const until = new Map<string, number>()
    for (const { afterMs, event: happens } of events) {
      nowMs += afterMs
      if (happens.type === 'outcome') {
        state = recordOutcome(state, happens.outcome, SMALL, nowMs)
        continue
      }
      const asked = request(happens.change)
      const result = checkSafety(state, asked, SMALL, nowMs)
      state = result.state
      if (result.verdict !== 'mitigate' && result.verdict !== 'simulate') continue
      if (asked.simulatedEvidence && result.verdict === 'mitigate') return false
      const lane = result.verdict
      const key = `${lane} ${asked.source}`
      if (nowMs < (until.get(key) ?? 0) && state[lane === 'mitigate' ? 'enforced' : 'simulated'].droppedCooldowns === 0) return false
      until.set(key, nowMs + asked.cooldownSeconds * 1000)
      acted.push({ at: nowMs, lane })
      if (acted.filter((one) => one.lane === lane && one.at > nowMs - 60_000).length > SMALL.actionsPerMinute) return false
    }
    actedInAll += acted.length
    const small = [state.enforced, state.simulated].every(({ actions, cooldowns, failures, refusals }) => actions.length <= 4 && cooldowns.length <= 16 && failures.length <= 2 && refusals.length <= 3)
    return small && parseSafetyState(JSON.parse(JSON.stringify(state))) !== null
  }), { numRuns: 500, seed: 3 }))
  t.ok(actedInAll > 1000, `${actedInAll} actions were let through`)
  t.end()
})

t.test('from any state the breaker closes again: after the longest wait one trial passes, and its success closes it', (t) => {
  let opened = 0
  t.doesNotThrow(() => fc.assert(fc.property(fc.array(event, { maxLength: 80 }), (events) => {
    let state: SafetyState = EMPTY_SAFETY_STATE
    let nowMs = NOW_MS
    for (const { afterMs, event: happens } of events) {
      nowMs += afterMs
      state = happens.type === 'outcome' ? recordOutcome(state, happens.outcome, SMALL, nowMs) : checkSafety(state, request(happens.change), SMALL, nowMs).state
      if (state.enforced.breaker.state !== 'closed') opened++
    }
    nowMs += 120_000
    const trial = checkSafety(state, request({ source: '10.9.9.9' }), SMALL, nowMs)
    const after = recordOutcome(trial.state, 'succeeded', SMALL, nowMs + 1)
    const next = checkSafety(after, request({ source: '10.9.9.8' }), SMALL, nowMs + 2)
    return trial.verdict === 'mitigate' && after.enforced.breaker.state === 'closed' && next.verdict === 'mitigate'
  }), { numRuns: 500, seed: 5 }))
  t.ok(opened > 100, `it was open ${opened} times`)
  t.end()
})
