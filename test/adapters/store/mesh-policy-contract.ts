import type { Test } from 'tap'
import { advance } from '../../../src/core/rollout/advance.ts'
import type { MeshPolicySpec } from '../../../src/core/rollout/mesh-policy.ts'
import { step } from '../../../src/core/rollout/step.ts'
import type { MeshPolicies } from '../../../src/ports/mesh-policies.ts'
import { good, madeSpec } from '../../core/rollout/made-policy.ts'

export interface MeshPoliciesUnderTest {
  readonly policies: () => MeshPolicies
  /** A person writes what a policy asks for; resolves when it can be read. */
  readonly ask: (name: string, spec: MeshPolicySpec) => Promise<void>
  /** As after a crash: what was in memory is lost. */
  readonly reopen: () => Promise<void>
}

/** What every store of mesh policies promises. It is empty when `start` gives it. */
export function meshPolicyContract (t: Test, start: (t: Test) => Promise<MeshPoliciesUnderTest>): void {
  t.test('a policy that somebody made is at its first stage, and listed by name', async (t) => {
    const { policies, ask } = await start(t)
    await ask('b', madeSpec())
    await ask('a', madeSpec())
    t.strictSame(policies().list().map(({ metadata }) => metadata.name), ['a', 'b'])
    t.match(policies().get('a'), { metadata: { generation: 1 }, spec: madeSpec(), status: { stage: 'observe', share: 0, history: [] } })
    t.equal(policies().get('a')?.status.since, policies().get('a')?.metadata.creationTimestamp)
    t.equal(policies().get('nobody'), null)
  })

  t.test('what became of it is read back as it was told, also after a crash', async (t) => {
    const { policies, ask, reopen } = await start(t)
    await ask('a', madeSpec())
    const policy = policies().get('a')
    if (policy === null) throw new Error('it is not there')
    const nowMs = Date.parse(policy.status.since) + 600_000
    const shadow = advance(policy, step(policy, good(), nowMs), good(), nowMs)
    const held = advance({ ...policy, status: shadow }, { kind: 'pause', reason: 'BudgetSpent', message: 'too much' }, good({ refusal: 'no' }), nowMs)
    t.strictSame((await policies().tell('a', held)).status, held)
    t.strictSame(policies().get('a')?.status, held, 'seen by the next look')
    await reopen()
    t.strictSame(policies().get('a')?.status, held)
    await policies().tell('a', shadow)
    t.equal(policies().get('a')?.status.hold, undefined, 'a hold that is over is gone')
  })

  t.test('who changes what is asked for leaves alone what became of it, and the other way round', async (t) => {
    const { policies, ask } = await start(t)
    await ask('a', madeSpec())
    const before = policies().get('a')
    if (before === null) throw new Error('it is not there')
    await policies().tell('a', { ...before.status, stage: 'shadow' })
    await ask('a', madeSpec({ target: 'canary' }))
    t.match(policies().get('a'), { metadata: { generation: 2 }, spec: { target: 'canary' }, status: { stage: 'shadow' } })
    await policies().tell('a', { ...before.status, stage: 'observe' })
    t.match(policies().get('a'), { metadata: { generation: 2 }, spec: { target: 'canary' }, status: { stage: 'observe' } }, 'a status that was made before the change takes nothing back')
  })

  t.test('telling of a policy that is gone says so', async (t) => {
    const { policies, ask } = await start(t)
    await ask('a', madeSpec())
    const status = policies().get('a')?.status
    if (status === undefined) throw new Error('it is not there')
    await t.rejects(policies().tell('nobody', status), { code: 'NOT_FOUND' })
  })
}
