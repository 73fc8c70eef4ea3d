import t from 'tap'
import { ACTOR, advance, command, isAtRest, NO_EVIDENCE, type Command } from '../../../src/core/rollout/advance.ts'
import { basisOf } from '../../../src/core/rollout/basis.ts'
import { MAX_HISTORY, type MeshPolicyStatus } from '../../../src/core/rollout/mesh-policy.ts'
import { step } from '../../../src/core/rollout/step.ts'
import { AT, AT_MS, good, madePolicy } from './made-policy.ts'

const NOW_MS = AT_MS + 600_000
const NOW = new Date(NOW_MS).toISOString()
const CANARY = { stage: 'canary', share: 10 } as const
const HELD = { by: ACTOR, reason: 'BudgetSpent', message: '6 stopped', at: AT } as const

const refused: readonly [Command, string, Partial<MeshPolicyStatus>, object, RegExp][] = [
  ['pause', 'what is held already', { hold: HELD }, {}, /held by autoshield already/],
  ['resume', 'what is not held', {}, {}, /not held/],
  ['resume', 'what the policy itself pauses', { hold: HELD }, { paused: true }, /take spec\.paused out/],
  ['promote', 'what the policy itself pauses', {}, { paused: true }, /take spec\.paused out/],
  ['promote', 'what is at its target', { stage: 'shadow' }, { target: 'shadow' }, /raise spec\.target/],
  ['promote', 'what is at the top', { stage: 'enforce', share: 100 }, {}, /raise spec\.target/],
  ['undo', 'what observes only', {}, {}, /nothing to undo/],
]
for (const [asked, what, status, spec, message] of refused) {
  t.test(`${asked} is refused for ${what}`, (t) => {
    t.match(command(madePolicy(status, spec), asked, 'jo', '', NOW_MS), { ok: false, message })
    t.end()
  })
}

const taken: readonly [Command, string, Partial<MeshPolicyStatus>, object][] = [
  ['pause', 'holds it where it is', CANARY, { stage: 'canary', share: 10, since: AT, hold: { by: 'jo', reason: 'Paused' } }],
  ['resume', 'begins its step anew', { ...CANARY, hold: HELD }, { stage: 'canary', share: 10, since: NOW, hold: undefined, evidence: { others: { stopped: 0 } } }],
  ['promote', 'moves it on, whatever the evidence', { stage: 'shadow', hold: HELD }, { stage: 'canary', share: 10, since: NOW, hold: undefined, history: [{ from: 'shadow', to: 'canary 10 %', actor: 'jo', reason: 'Promoted' }] }],
  ['undo', 'takes a canary back to shadow and holds it', CANARY, { stage: 'shadow', share: 0, hold: { by: 'jo', reason: 'Reverted' } }],
  ['undo', 'takes what enforces back to shadow', { stage: 'enforce', share: 100 }, { stage: 'shadow', share: 0 }],
  ['undo', 'takes shadow back to observe', { stage: 'shadow' }, { stage: 'observe', share: 0, hold: { by: 'jo' } }],
]
for (const [asked, what, status, wanted] of taken) {
  t.test(`${asked} ${what}`, (t) => {
    t.match(command(madePolicy(status), asked, 'jo', 'a release', NOW_MS), { ok: true, status: wanted })
    t.end()
  })
}

t.test('a rollout that goes back by itself says why in its condition, its hold and its history', (t) => {
  const policy = madePolicy(CANARY)
  const evidence = good({ enforcing: { stopped: 9 } })
  const status = advance(policy, step(policy, evidence, NOW_MS), evidence, NOW_MS)
  t.match(status, {
    stage: 'shadow',
    share: 0,
    hold: { by: ACTOR, reason: 'BudgetSpent' },
    conditions: [{ type: 'Progressing', status: 'False', reason: 'BudgetSpent' }, { type: 'Degraded', status: 'True', reason: 'BudgetSpent', message: /^9 attempts/ }],
    history: [{ from: 'canary 10 %', to: 'shadow', actor: ACTOR, reason: 'BudgetSpent', at: NOW }],
  })
  const after = { ...policy, status }
  t.match(advance(after, step(after, good(), NOW_MS + 5_000), good(), NOW_MS + 5_000).conditions, [
    { type: 'Progressing', status: 'False', reason: 'Paused' }, { type: 'Degraded', status: 'True', reason: 'BudgetSpent', lastTransitionTime: NOW },
  ])
  t.end()
})

t.test('a target that is lowered releases no hold', (t) => {
  const policy = madePolicy({ ...CANARY, hold: HELD }, { target: 'observe' })
  t.match(advance(policy, step(policy, good(), NOW_MS), good(), NOW_MS), { stage: 'observe', hold: HELD })
  t.end()
})

t.test('a spec that changed is counted for from nothing, and releases no hold', (t) => {
  const policy = madePolicy({ ...CANARY, basis: 'another', hold: HELD })
  const status = advance(policy, step(policy, good(), NOW_MS), good(), NOW_MS)
  t.match(status, { stage: 'shadow', share: 0, since: NOW, hold: HELD, basis: basisOf(policy.spec), evidence: { others: { attempts: 0 } }, history: [{ reason: 'SpecChanged' }] })
  t.match(step({ ...policy, status }, good(), NOW_MS), { kind: 'stay', reason: 'Paused' }, 'it goes back once')
  t.end()
})

const AT_REST: readonly [string, Partial<MeshPolicyStatus>, object, boolean][] = [
  ['what goes on', { stage: 'shadow' }, {}, false],
  ['what is held', { stage: 'shadow', hold: HELD }, {}, true],
  ['what its own spec pauses', { stage: 'shadow' }, { paused: true }, true],
  ['what is at its target', { stage: 'shadow' }, { target: 'shadow' }, true],
  ['what goes back to its target', { ...CANARY, hold: HELD }, { target: 'shadow' }, true],
]
for (const [what, status, spec, is] of AT_REST) {
  t.test(`${what} is ${is ? '' : 'not '}at rest, and never before the spec was looked at`, (t) => {
    const policy = madePolicy(status, spec)
    const looked = { ...policy, status: advance(policy, step(policy, NO_EVIDENCE, NOW_MS), NO_EVIDENCE, NOW_MS) }
    t.equal(isAtRest(looked), is)
    t.equal(isAtRest(policy), false)
    t.equal(isAtRest({ ...looked, metadata: { ...looked.metadata, generation: 2 } }), false)
    t.end()
  })
}

t.test('its history is bounded, newest first', (t) => {
  let policy = madePolicy()
  for (let n = 0; n < 30; n++) {
    const done = command(policy, n % 2 === 0 ? 'promote' : 'undo', 'jo', `${n}`, NOW_MS + n)
    if (!done.ok) throw new Error(done.message)
    policy = { ...policy, status: done.status }
  }
  t.equal(policy.status.history.length, MAX_HISTORY)
  t.match(policy.status.history[0], { message: 'By jo: 29' })
  t.end()
})
