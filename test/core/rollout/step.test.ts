import fc from 'fast-check'
import t from 'tap'
import { advance, NO_EVIDENCE } from '../../../src/core/rollout/advance.ts'
import { compare, ladderOf, nextOf } from '../../../src/core/rollout/ladder.ts'
import type { Evidence, MeshPolicyStatus } from '../../../src/core/rollout/mesh-policy.ts'
import { STAGES } from '../../../src/core/rollout/stages.ts'
import { step, type Outcome } from '../../../src/core/rollout/step.ts'
import { AT, AT_MS, good, madePolicy } from './made-policy.ts'

const LATER_MS = AT_MS + 600_000
const OBSERVE = { stage: 'observe', share: 0 } as const
const SHADOW = { stage: 'shadow', share: 0 } as const
const CANARY = { stage: 'canary', share: 10 } as const
const ENFORCE = { stage: 'enforce', share: 100 } as const
const HELD = { by: 'jo', reason: 'Paused', message: 'a release', at: AT } as const

/** What is the case, the status and spec that it is about, the evidence, and the outcome. */
/** Of another spec than the policy's. */
const OTHER = { basis: 'another' } as const

const rows: readonly [string, Partial<MeshPolicyStatus>, object, Evidence, Partial<Outcome>][] = [
  ['a spec that changed takes a canary back, whatever was seen', { ...CANARY, ...OTHER }, {}, good(), { kind: 'roll-back', to: SHADOW, hold: false, reason: 'SpecChanged' }],
  ['and what enforces everywhere', { ...ENFORCE, ...OTHER }, {}, good({ refusal: 'of the old one' }), { kind: 'roll-back', to: SHADOW, hold: false, reason: 'SpecChanged' }],
  ['it takes what is in shadow back to observe', { ...SHADOW, ...OTHER }, {}, good(), { kind: 'roll-back', to: OBSERVE, hold: false, reason: 'SpecChanged' }],
  ['what observes counts anew', OTHER, {}, good(), { kind: 'roll-back', to: OBSERVE, hold: false, reason: 'SpecChanged' }],
  ['how it is brought in may change without that', SHADOW, { target: 'canary', canaryShares: [10], gates: { minAttempts: 1 } }, good(), { kind: 'promote' }],
  ['a refusal takes a canary back', CANARY, {}, good({ refusal: 'duplicate chain' }), { kind: 'roll-back', to: SHADOW, hold: true, reason: 'Rejected' }],
  ['and what enforces everywhere', ENFORCE, {}, good({ refusal: 'duplicate chain' }), { kind: 'roll-back', to: SHADOW, reason: 'Rejected' }],
  ['a budget that is spent takes it back', CANARY, {}, good({ enforcing: { stopped: 6 } }), { kind: 'roll-back', to: SHADOW, hold: true, reason: 'BudgetSpent' }],
  ['also where it is held', { ...CANARY, hold: HELD }, {}, good({ enforcing: { stopped: 6 } }), { kind: 'roll-back', reason: 'BudgetSpent' }],
  ['also before there is much traffic, for the budget is that of the whole step', ENFORCE, {}, good({ enforcing: { attempts: 5, stopped: 2 }, others: { attempts: 0 } }), { kind: 'roll-back', reason: 'BudgetSpent' }],
  ['a budget that is used up and not passed does not', CANARY, {}, good({ enforcing: { stopped: 5 } }), { kind: 'promote' }],
  ['errors that rise at the canary take it back', CANARY, {}, good({ enforcing: { failed: 60 } }), { kind: 'roll-back', to: SHADOW, hold: true, reason: 'ErrorsRisen' }],
  ['errors that rise everywhere are not the canary\'s', CANARY, {}, good({ enforcing: { failed: 60 }, others: { failed: 240 } }), { kind: 'promote' }],
  ['errors that rise no more than chance would are none', CANARY, {}, good({ enforcing: { attempts: 20, failed: 1 } }), { kind: 'promote' }],
  ['a target that is lowered takes it back at once', ENFORCE, { target: 'shadow' }, good(), { kind: 'roll-back', to: SHADOW, hold: false, reason: 'TargetLowered' }],
  ['also where the policy says paused', { ...CANARY }, { target: 'observe', paused: true }, good(), { kind: 'roll-back', to: { stage: 'observe', share: 0 }, reason: 'TargetLowered' }],
  ['what is held stays', { ...SHADOW, hold: HELD }, {}, good(), { kind: 'stay', reason: 'Paused' }],
  ['what the policy pauses stays', SHADOW, { paused: true }, good(), { kind: 'stay', reason: 'Paused' }],
  ['a refusal in shadow pauses', SHADOW, {}, good({ refusal: 'duplicate chain' }), { kind: 'pause', reason: 'Rejected' }],
  ['a budget spent in shadow pauses', SHADOW, {}, good({ others: { stopped: 6 } }), { kind: 'pause', reason: 'BudgetSpent' }],
  ['at its target it stays', CANARY, { target: 'canary', canaryShares: [10] }, good(), { kind: 'stay', reason: 'TargetReached' }],
  ['at the top it stays', ENFORCE, {}, good(), { kind: 'stay', reason: 'TargetReached' }],
  ['without a proxy it stays', {}, {}, good({ enforcing: { pods: 0 }, others: { pods: 0 } }), { kind: 'stay', reason: 'NoTargets' }],
  ['a proxy that is behind keeps it', {}, {}, good({ inSync: 9 }), { kind: 'stay', reason: 'Pending' }],
  ['too few connections keep it', {}, {}, good({ enforcing: { attempts: 0 }, others: { attempts: 999 } }), { kind: 'stay', reason: 'TooLittleTraffic' }],
  ['connections to too few pods keep it', {}, {}, good({ podsSeen: 4 }), { kind: 'stay', reason: 'TooLittleTraffic' }],
  ['a canary without a connection to it has nothing to compare', CANARY, {}, good({ enforcing: { attempts: 0 } }), { kind: 'stay', reason: 'TooLittleTraffic' }],
  ['nor has one without a control group that was seen', CANARY, {}, good({ others: { attempts: 0 } }), { kind: 'stay', reason: 'TooLittleTraffic' }],
  ['where all pods are canaries there is no control group to wait for', CANARY, {}, good({ inSync: 2, others: { pods: 0, attempts: 0 } }), { kind: 'promote' }],
  ['in shadow, without an attempt at a restriction nothing is known of it', SHADOW, {}, good({ others: { tried: 9 } }), { kind: 'stay', reason: 'NothingTried' }],
  ['in a canary, what was tried at the others shows nothing', CANARY, {}, good({ enforcing: { tried: 9 } }), { kind: 'stay', reason: 'NothingTried' }],
  ['to observe needs no restriction that was tried', {}, {}, good({ enforcing: { tried: 0 }, others: { tried: 0 } }), { kind: 'promote', to: SHADOW, reason: 'EvidenceSuffices' }],
  ['shadow goes on to the first canary', SHADOW, {}, good(), { kind: 'promote', to: CANARY }],
  ['a canary goes on to the next', CANARY, {}, good(), { kind: 'promote', to: { stage: 'canary', share: 50 } }],
  ['the last canary goes on to all', { stage: 'canary', share: 50 }, {}, good(), { kind: 'promote', to: ENFORCE }],
  ['a share that the policy no longer names goes on to the next larger one', { stage: 'canary', share: 20 }, {}, good(), { kind: 'promote', to: { stage: 'canary', share: 50 } }],
]

for (const [name, status, spec, evidence, outcome] of rows) {
  t.test(name, (t) => {
    t.match(step(madePolicy(status, spec), evidence, LATER_MS), outcome)
    t.end()
  })
}

t.test('a step that is younger than asked stays', (t) => {
  t.match(step(madePolicy(SHADOW), good(), LATER_MS - 1), { kind: 'stay', reason: 'TooSoon' })
  t.end()
})

const counts = fc.record({ pods: fc.nat(20), attempts: fc.nat(5_000), failed: fc.nat(5_000), tried: fc.nat(100), stopped: fc.nat(20) })
const anyEvidence: fc.Arbitrary<Evidence> = fc.record({ enforcing: counts, others: counts, podsSeen: fc.nat(40), inSync: fc.nat(40) })
  .chain((evidence) => fc.option(fc.constant('no')).map((refusal) => refusal === null ? evidence : { ...evidence, refusal }))
const anySpec = fc.record({
  target: fc.constantFrom(...STAGES), paused: fc.boolean(), canaryShares: fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 4 }),
})
const anyPolicy = anySpec.chain((spec) => fc.record({ position: fc.constantFrom(...ladderOf(spec)), held: fc.boolean() })
  .map(({ position, held }) => madePolicy({ ...position, ...held && { hold: HELD } }, spec)))
const anyTime = fc.integer({ min: AT_MS, max: AT_MS + 2_000_000 })

t.test('it never skips a rung, and goes up only on evidence of every kind', (t) => {
  fc.assert(fc.property(anyPolicy, anyEvidence, anyTime, (policy, evidence, nowMs) => {
    const outcome = step(policy, evidence, nowMs)
    if (outcome.kind !== 'promote') return
    const { spec: { gates }, status } = policy
    const { enforcing, others } = evidence
    t.strictSame(outcome.to, nextOf(ladderOf(policy.spec), status))
    const pods = enforcing.pods + others.pods
    const enough = pods > 0 && evidence.inSync >= pods && enforcing.attempts + others.attempts >= gates.minAttempts && evidence.podsSeen >= gates.minPodShare * pods &&
      (status.stage === 'observe' || (evidence.refusal === undefined && enforcing.tried + others.tried >= gates.minTried)) && nowMs - AT_MS >= gates.minSeconds * 1000
    if (!enough) throw new Error('promoted without evidence')
    if (status.hold !== undefined || policy.spec.paused) throw new Error('promoted while held')
  }), { numRuns: 2_000 })
  t.end()
})

t.test('nothing seen is never enough, however long it lasts', (t) => {
  fc.assert(fc.property(anyPolicy, anyTime, fc.nat(20), (policy, nowMs, pods) => {
    t.not(step(policy, { ...NO_EVIDENCE, others: { ...NO_EVIDENCE.others, pods }, inSync: pods }, nowMs).kind, 'promote')
  }))
  t.end()
})

t.test('going back always lands in a safer stage, and what goes back for trouble is held there', (t) => {
  fc.assert(fc.property(anyPolicy, anyEvidence, anyTime, (policy, evidence, nowMs) => {
    const outcome = step(policy, evidence, nowMs)
    if (outcome.kind !== 'roll-back') return
    t.ok(compare(outcome.to, policy.status) < 0)
    const after = advance(policy, outcome, evidence, nowMs)
    t.equal(outcome.hold && after.hold === undefined, false)
    t.not(step({ ...policy, status: after }, good(), nowMs + 10_000_000).kind, outcome.hold ? 'promote' : '')
  }), { numRuns: 2_000 })
  t.end()
})

t.test('the same look twice changes nothing', (t) => {
  fc.assert(fc.property(anyPolicy, anyEvidence, anyTime, (policy, evidence, nowMs) => {
    const once = advance(policy, step(policy, evidence, nowMs), evidence, nowMs)
    const seen = once.since === policy.status.since && once.stage === policy.status.stage && once.share === policy.status.share ? evidence : NO_EVIDENCE
    const settled = { ...policy, status: once }
    const twice = advance(settled, step(settled, seen, nowMs), seen, nowMs)
    const again = { ...policy, status: twice }
    t.strictSame(advance(again, step(again, seen, nowMs), seen, nowMs).stage, twice.stage)
    t.ok(twice.history.length - once.history.length <= 1, 'at most a lowered target is followed in a second step')
  }))
  t.end()
})
