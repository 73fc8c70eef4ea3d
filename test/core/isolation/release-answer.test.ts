import t from 'tap'
import { isIsolated, isReleasing, withReleaseAnswer, type ReleaseAnswer } from '../../../src/core/isolation/release-answer.ts'
import { createMitigation, withTargets } from '../../../src/core/mitigation/lifecycle.ts'
import type { Mitigation, MitigationSpec, TargetStatus } from '../../../src/core/mitigation/mitigation.ts'
import { planAction } from '../../../src/core/plan/plan-action.ts'
import { context, detectionOf, NOW_MS, ruleOf } from '../plan/scene.ts'

function isolation (change: Partial<MitigationSpec> = {}): Mitigation {
  const { rule, action } = ruleOf('pod_isolation')
  const plan = planAction(rule, action, detectionOf(), context())
  if (plan.spec === null) throw new Error(plan.message)
  return createMitigation({ ...plan.spec, policies: ['isolation'], relabel: 'owner-and-services', ...change }, { name: 'm-1', uid: 'm-1', plan: { ...plan, targets: [...plan.targets, 'pod/shop/web-0'] } }, NOW_MS)
}

const stored: TargetStatus = { target: 'networkpolicy/shop/p', state: 'programmed', version: '1', message: '' }

t.test('labels are taken only while a policy in force isolates the pod', async (t) => {
  t.equal(isReleasing(isolation()), true)
  t.equal(isReleasing(isolation({ mode: 'shadow' })), false)
  t.equal(isReleasing(isolation({ policies: ['egress'] })), false)
  const { policies: _, ...withdrawn } = isolation().spec
  t.equal(isReleasing({ ...isolation(), spec: withdrawn }), false)
  const { relabel: _labels, ...kept } = isolation().spec
  t.equal(isReleasing({ ...isolation(), spec: kept }), false)
  t.equal(isIsolated(isolation()), false)
  t.equal(isIsolated(withTargets(isolation(), [], { targets: [stored], settleMs: 5_000, trouble: null }, NOW_MS)), true)
})

t.test('it is programmed when its policy is stored and its pod is out, and degraded where the pod cannot be changed', async (t) => {
  const rows: [ReleaseAnswer, TargetStatus['state'], Partial<Mitigation['status']['conditions'][number]>, string][] = [
    [{ outcome: 'waiting' }, 'pending', { status: 'False', reason: 'Pending', message: '1 of 1 NetworkPolicies are stored, the pod is not out of its Services yet.' }, 'False'],
    [{ outcome: 'released' }, 'programmed', { status: 'True', reason: 'Acknowledged', message: '1 of 1 NetworkPolicies are stored, the pod is out of its Services.' }, 'False'],
    [{ outcome: 'failed', isFinal: false, message: 'it has been modified' }, 'pending', { status: 'False', reason: 'Pending' }, 'False'],
    [{ outcome: 'failed', isFinal: true, message: 'pods is forbidden' }, 'rejected', { status: 'False', reason: 'Rejected' }, 'True'],
  ]
  for (const [answer, state, programmed, degraded] of rows) {
    const answered = withReleaseAnswer(isolation(), 'shop/web-0', answer, NOW_MS)
    const after = withTargets(answered, [], { targets: [stored], settleMs: 5_000, trouble: null }, NOW_MS)
    t.match(after.status.targets, [stored, { target: 'pod/shop/web-0', state }], answer.outcome)
    t.match(after.status.conditions.find(({ type }) => type === 'Programmed'), programmed, answer.outcome)
    t.equal(after.status.conditions.find(({ type }) => type === 'Degraded')?.status, degraded, answer.outcome)
    t.equal(withReleaseAnswer(after, 'shop/web-0', answer, NOW_MS + 5), after, `${answer.outcome}: the same changes nothing`)
  }
})
