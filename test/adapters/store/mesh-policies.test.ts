import t from 'tap'
import { openStore } from '../../../src/adapters/store/object-store.ts'
import { MAX_MESH_POLICIES } from '../../../src/core/rollout/mesh-policy.ts'
import { AT, madeSpec } from '../../core/rollout/made-policy.ts'
import { meshPolicyContract } from './mesh-policy-contract.ts'

meshPolicyContract(t, async (t) => {
  const dir = t.testdir()
  let store = openStore(dir)
  t.teardown(() => store[Symbol.asyncDispose]())
  return {
    policies: () => store.meshPolicies,
    ask: async (name, spec) => { await store.meshPolicies.ask(name, spec, AT) },
    reopen: async () => {
      await store[Symbol.asyncDispose]()
      store = openStore(dir)
    },
  }
})

t.test('writes of both parts at one time lose neither', async (t) => {
  await using store = openStore(t.testdir())
  const { status } = await store.meshPolicies.ask('a', madeSpec(), AT)
  await Promise.all([store.meshPolicies.tell('a', { ...status, stage: 'shadow' }), store.meshPolicies.ask('a', madeSpec({ paused: true }), AT)])
  t.match(store.meshPolicies.get('a'), { spec: { paused: true }, status: { stage: 'shadow' } })
})

t.test('what is removed is gone, also after a crash, and can be put back as it was', async (t) => {
  const dir = t.testdir()
  {
    await using store = openStore(dir)
    const policy = await store.meshPolicies.ask('a', madeSpec(), AT)
    await store.meshPolicies.remove('a')
    t.equal(store.meshPolicies.get('a'), null)
    await store.meshPolicies.restore(policy)
    t.strictSame(store.meshPolicies.list(), [policy])
    await store.meshPolicies.remove('a')
  }
  await using store = openStore(dir)
  t.strictSame(store.meshPolicies.list(), [])
})

t.test('there is a bound, and what is there can still be changed', async (t) => {
  await using store = openStore(t.testdir())
  for (let n = 0; n < MAX_MESH_POLICIES; n++) await store.meshPolicies.ask(`p${n}`, madeSpec(), AT)
  await t.rejects(store.meshPolicies.ask('more', madeSpec(), AT), { code: 'CONFLICT' })
  t.match(await store.meshPolicies.ask('p0', madeSpec({ paused: true }), AT), { metadata: { generation: 2 } })
  t.match(await store.meshPolicies.ask('p0', madeSpec({ paused: true }), AT), { metadata: { generation: 2 } }, 'the same again is no change')
})
