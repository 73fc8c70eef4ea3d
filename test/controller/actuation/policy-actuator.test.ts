import t, { type Test } from 'tap'
import { PolicyActuator } from '../../../src/controller/actuation/policy-actuator.ts'
import type { NewAuditEntry } from '../../../src/controller/journal.ts'
import { AutoshieldError } from '../../../src/core/errors.ts'
import { createMitigation } from '../../../src/core/mitigation/lifecycle.ts'
import type { Mitigation, MitigationSpec } from '../../../src/core/mitigation/mitigation.ts'
import { podRef } from '../../../src/core/mitigation/mitigation.ts'
import { planAction } from '../../../src/core/plan/plan-action.ts'
import type { Pod } from '../../../src/core/pod.ts'
import { context, detectionOf, NOW_MS, PODS, ruleOf } from '../../core/plan/scene.ts'
import { FakePods } from '../fakes.ts'
import { FakePolicies } from './fake-policies.ts'

const POLICY = 'shop/autoshield-m-1-egress'

function mitigation (name = 'm-1', change: Partial<MitigationSpec> = {}): Mitigation {
  const { rule, action } = ruleOf('network_policy')
  const plan = planAction(rule, action, detectionOf(), context({ mitigation: name }))
  if (plan.spec === null) throw new Error(plan.message)
  return createMitigation({ ...plan.spec, policies: ['egress'], ...change }, { name, uid: name, plan }, NOW_MS)
}

/** An actuator among four pods. `settled` resolves when it has looked at everything that came. */
function acting (t: Test, there: readonly Pod[] = Object.values(PODS), labelRestMs = 0) {
  const pods = new FakePods(there)
  const policies = new FakePolicies(pods)
  const told: NewAuditEntry[] = []
  const clock = { nowMs: NOW_MS, now: () => clock.nowMs }
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const actuator = new PolicyActuator({ policies, pods, installation: 'guard', spared: () => ['kube-system'], troubleOf: () => null, labelRestMs, clock, random: () => 0, log, tell: async (entries) => { told.push(...entries) } })
  const stop = new AbortController()
  const running = actuator.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  const settled = async (): Promise<void> => { for (let turn = 0; turn < 60; turn++) await new Promise((resolve) => setImmediate(resolve)) }
  const later = async (ms: number): Promise<void> => {
    clock.nowMs += ms
    actuator.look()
    await settled()
  }
  return { pods, policies, told, actuator, settled, later, states: (name = 'm-1') => actuator.standingOf(name)?.targets.map(({ target, state, message }) => `${target} ${state} ${message}`.trim()) ?? null }
}

t.test('what a mitigation asks for is made, labels first, and taken away, policies first', async (t) => {
  const { policies, pods, actuator, settled, later, states, told } = acting(t)
  await later(0)
  t.strictSame(policies.writes, [], 'nothing before anybody said what should hold')
  actuator.apply([mitigation()])
  await settled()
  t.strictSame(policies.writes, ['mark web-0 1', 'mark db-0 1', `store ${POLICY}`])
  t.strictSame(states(), [`networkpolicy/${POLICY} programmed`])
  t.match(pods.byUid(PODS.web0.uid)?.labels, { app: 'web', 'autoshield.dev/pod': PODS.web0.uid })
  actuator.apply([mitigation()])
  await later(60_000)
  t.equal(policies.writes.length, 3, 'asked for again, it is there already')
  actuator.apply([])
  await settled()
  t.strictSame(policies.writes.slice(3), [`remove ${POLICY}`, 'mark web-0 0', 'mark db-0 0'])
  t.equal(states(), null)
  t.strictSame(pods.list().flatMap(({ labels }) => Object.keys(labels)).filter((key) => key.startsWith('autoshield.dev')), [])
  t.match(told, [{ action: 'networkpolicy.removed', object: `networkpolicies/${POLICY}`, reason: 'Unasked', detail: { mitigation: 'm-1' } }])
})

const MARK = 'm-00000000-0000-4000-8000-000000000001'
const bearing = (pod: Pod): Pod => ({ ...pod, labels: { ...pod.labels, 'autoshield.dev/pod': MARK }, mark: MARK })

t.test('a pod is selected by the mark that it came with, and by its UID as soon as another bears it', async (t) => {
  const { policies, pods, actuator, settled, later, states, told } = acting(t, [bearing(PODS.web0), PODS.db, PODS.far])
  actuator.apply([mitigation()])
  await settled()
  t.strictSame(policies.writes, ['mark db-0 1', `store ${POLICY}`], 'the label that is there is not written')
  t.equal(actuator.standingOf('m-1')?.settleMs, 40_000, 'nodes take long to know a pod by a new label')
  t.match(policies.stored.get(POLICY)?.spec, { podSelector: { matchLabels: { 'autoshield.dev/pod': MARK } } })
  pods.put(bearing(PODS.far))
  await later(0)
  t.match(policies.stored.get(POLICY)?.spec, { podSelector: { matchLabels: { 'autoshield.dev/pod': PODS.web0.uid } } })
  t.equal(pods.byUid(PODS.web0.uid)?.labels['autoshield.dev/pod'], PODS.web0.uid)
  t.equal(pods.byUid(PODS.far.uid)?.labels['autoshield.dev/pod'], MARK, 'the other is left alone, and in no policy')
  t.strictSame(states(), [`networkpolicy/${POLICY} programmed`])
  t.match(told, [{ object: 'pods/shop/web-0', reason: 'PutBack', detail: { what: /given to another pod/ } }])
})

t.test('the mark of a pod is left on it when a mitigation ends', async (t) => {
  const { policies, pods, actuator, settled } = acting(t, [bearing(PODS.web0), PODS.db])
  actuator.apply([mitigation()])
  await settled()
  actuator.apply([])
  await settled()
  t.strictSame(policies.writes.filter((write) => write.startsWith('mark')), ['mark db-0 1', 'mark db-0 0'])
  t.equal(pods.byUid(PODS.web0.uid)?.labels['autoshield.dev/pod'], MARK)
})

t.test('a label stays a while after the last mitigation, so that it is there if one comes back, and goes then', async (t) => {
  const { policies, actuator, settled, later } = acting(t, Object.values(PODS), 300_000)
  actuator.apply([mitigation()])
  await settled()
  actuator.apply([])
  await later(299_000)
  t.strictSame(policies.writes.slice(3), [`remove ${POLICY}`], 'the policy goes at once')
  actuator.apply([mitigation('m-2')])
  await later(0)
  t.strictSame(policies.writes.slice(4), [`store ${POLICY.replace('m-1', 'm-2')}`], 'another needs no label')
  actuator.apply([])
  await later(0)
  await later(300_000)
  await later(0)
  t.strictSame(policies.writes.slice(6), ['mark web-0 0', 'mark db-0 0'])
})

t.test('a label that cannot be taken back holds no other up, and is tried again', async (t) => {
  const { policies, actuator, settled, later } = acting(t, Object.values(PODS), 1_000)
  actuator.apply([mitigation()])
  await settled()
  actuator.apply([])
  await settled()
  policies.refuses = (what) => what === 'mark web-0 0' ? new AutoshieldError('UNTRUSTED', 'no') : null
  await later(1_000)
  await later(0)
  t.match(policies.writes.at(-1), 'mark db-0 0')
  policies.refuses = () => null
  await later(60_000)
  t.match(policies.writes.at(-1), 'mark web-0 0')
})

t.test('the policy of an isolation stays until the labels that were taken from its pod are back', async (t) => {
  const { policies, pods, actuator, settled } = acting(t)
  const isolated = (name: string): Mitigation => mitigation(name, { policies: ['isolation'], relabel: 'services' })
  const [first, second] = ['shop/autoshield-m-1-isolation', 'shop/autoshield-m-2-isolation']
  actuator.apply([isolated('m-1'), isolated('m-2')])
  await settled()
  const { app: _, ...rest } = pods.byUid(PODS.web0.uid)?.labels ?? {}
  const released = (installation: string): void => pods.put({ ...PODS.web0, labels: rest, released: { installation, labels: { app: 'web' }, workload: null } })
  released('guard')
  actuator.apply([isolated('m-2')])
  await settled()
  t.strictSame([...policies.stored.keys()], [second], 'another isolates it still')
  actuator.apply([])
  await settled()
  t.strictSame([...policies.stored.keys()], [second])
  t.ok(Object.hasOwn(pods.byUid(PODS.web0.uid)?.labels ?? {}, 'autoshield.dev/pod'), 'and its policy selects it')
  t.match(actuator.leftovers().get('m-2'), /labels that were taken from its pod are not back yet/)
  pods.put({ ...PODS.web0, labels: { ...rest, app: 'web' } })
  await settled()
  t.strictSame([...policies.stored.keys()], [])
  t.equal(actuator.leftovers().size, 0)
  t.strictSame(pods.byUid(PODS.web0.uid)?.labels, { app: 'web' })

  actuator.apply([isolated('m-1')])
  await settled()
  t.strictSame([...policies.stored.keys()], [first])
  released('other')
  actuator.apply([])
  await settled()
  t.equal(policies.stored.size, 0, 'what another AutoShield took is not waited for')
})

t.test('a label that another mitigation needs stays', async (t) => {
  const { policies, actuator, settled } = acting(t)
  actuator.apply([mitigation(), mitigation('m-2')])
  await settled()
  actuator.apply([mitigation('m-2')])
  await settled()
  t.strictSame(policies.writes.filter((write) => write.startsWith('remove') || write.endsWith(' 0')), [`remove ${POLICY}`])
})

t.test('only what enforces in the cluster is made', async (t) => {
  const { policies, actuator, settled, states } = acting(t)
  const { policies: _, ...proxied } = mitigation().spec
  actuator.apply([mitigation('m-1', { mode: 'shadow' }), { ...mitigation('m-2'), spec: proxied }])
  await settled()
  t.strictSame([policies.writes, states('m-1'), states('m-2')], [[], null, null])
})

t.test('a pod that joins the victims changes the policy, and one that loses its successor is left out again', async (t) => {
  const { policies, actuator, settled, states } = acting(t)
  const one = mitigation()
  actuator.apply([one])
  await settled()
  actuator.apply([{ ...one, spec: { ...one.spec, victims: [...one.spec.victims, podRef(PODS.far)] } }])
  await settled()
  t.strictSame(policies.writes.slice(3), ['mark far-0 1', `store ${POLICY}`])
  t.match(JSON.stringify(policies.stored.get(POLICY)?.spec), PODS.far.uid)
  t.strictSame(states(), [`networkpolicy/${POLICY} programmed`])
  actuator.apply([one])
  await settled()
  t.strictSame(policies.writes.slice(5), [`store ${POLICY}`, 'mark far-0 0'])
})

t.test('what the API server refuses stands in its words, and is tried again', async (t) => {
  const { policies, actuator, settled, later, states } = acting(t)
  policies.refuses = (what) => what.startsWith('store') ? new AutoshieldError('BAD_DATA', 'admission webhook "no.example" denied the request') : null
  actuator.apply([mitigation()])
  await settled()
  t.strictSame(states(), [`networkpolicy/${POLICY} rejected admission webhook "no.example" denied the request`])
  await later(100)
  t.equal(policies.writes.filter((write) => write.startsWith('store')).length, 1, 'not at once')
  policies.refuses = () => null
  await later(60_000)
  t.strictSame(states(), [`networkpolicy/${POLICY} programmed`])
  policies.refuses = (what) => what.startsWith('remove') ? new AutoshieldError('UNAVAILABLE', 'the API server is away') : null
  actuator.apply([])
  await settled()
  t.match(actuator.leftovers().get('m-1'), /egress is still there: the API server is away/)
  policies.refuses = () => null
  await later(60_000)
  t.strictSame([...actuator.leftovers()], [])
})

t.test('a policy without its labels on the pods is not programmed', async (t) => {
  const { policies, actuator, settled, states } = acting(t)
  policies.refuses = (what) => what.startsWith('mark db') ? new AutoshieldError('UNTRUSTED', 'grant the verb "patch"') : null
  actuator.apply([mitigation()])
  await settled()
  t.strictSame(states(), [`networkpolicy/${POLICY} rejected pod shop/db-0 lacks the label autoshield.dev/pod: grant the verb "patch"`])
})

t.test('what somebody takes away is put back three times, and then left as it is with a warning', async (t) => {
  const table: [string, (acting: ReturnType<typeof actingOf>) => void, string, string][] = [
    ['the policy is deleted', ({ policies }) => policies.change(POLICY, null), '(unknown)', 'deleted'],
    ['the policy is edited', ({ policies }) => {
      const stored = policies.stored.get(POLICY)
      if (stored !== undefined) policies.change(POLICY, { ...stored, spec: { podSelector: {} }, editor: 'kubectl-edit' })
    }, 'field-manager/kubectl-edit', 'changed'],
    ['its mark is taken away', ({ policies }) => {
      const stored = policies.stored.get(POLICY)
      if (stored !== undefined) policies.change(POLICY, { ...stored, labels: {}, editor: 'kubectl-label' })
    }, 'field-manager/kubectl-label', 'changed'],
    ['the label is taken off the pod', ({ policies }) => policies.label(PODS.web0.uid, {}), '(unknown)', 'label taken away'],
  ]
  for (const [name, attack, actor, what] of table) {
    const at = acting(t)
    at.actuator.apply([mitigation()])
    await at.settled()
    for (let time = 1; time <= 3; time++) {
      attack(at)
      await at.later(6_000)
      t.strictSame(at.states(), [`networkpolicy/${POLICY} programmed`], `${name}: put back ${time} times`)
    }
    attack(at)
    await at.later(6_000)
    await at.later(600_000)
    t.match(at.states(), [/rejected.*it was put back 3 times/], name)
    t.match(at.actuator.standingOf('m-1')?.trouble, { reason: 'Contested' }, name)
    t.match(at.told.map(({ actor, reason, detail }) => ({ actor, reason, detail })), [1, 2, 3].map((times) => ({ actor, reason: 'PutBack', detail: { what, times } })), name)
    at.actuator.apply([])
    await at.settled()
    t.equal(at.policies.stored.size, 0, `${name}: and taken away all the same when it ends`)
  }
})

const actingOf = acting

t.test('other people\'s policies are never touched, and our own without a mitigation go', async (t) => {
  const { policies, actuator, settled, states } = acting(t)
  policies.foreign.add(POLICY)
  actuator.apply([mitigation(), mitigation('m-2')])
  await settled()
  t.match(states(), [/rejected .*is not AutoShield's/])
  actuator.apply([])
  await settled()
  t.notOk(policies.writes.includes(`remove ${POLICY}`))
})

t.test('after a restart it comes to the same without a write', async (t) => {
  const first = acting(t)
  first.actuator.apply([mitigation()])
  await first.settled()
  const second = acting(t)
  for (const [key, policy] of first.policies.stored) second.policies.stored.set(key, policy)
  for (const pod of first.pods.list()) second.pods.put(pod)
  second.actuator.apply([mitigation()])
  await second.settled()
  t.strictSame([second.policies.writes, second.states()], [[], [`networkpolicy/${POLICY} programmed`]])
})
