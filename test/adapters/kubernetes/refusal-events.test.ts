import t from 'tap'
import { Type, type Static } from 'typebox'
import { Parse } from 'typebox/value'
import { RefusalEvents } from '../../../src/adapters/kubernetes/refusal-events.ts'
import { AutoshieldError } from '../../../src/core/errors.ts'
import type { Decision } from '../../../src/core/policy/decision.ts'
import type { Detection } from '../../../src/core/verdict/detection.ts'
import { sampleDecision, sampleDetection } from '../store/samples.ts'

const DETECTION = sampleDetection('d1', { source: { address: '10.0.0.7', uid: 'u7', namespace: 'shop', name: 'web-7' } })
/** What is asserted of an Event. */
const Told = Type.Object({ metadata: Type.Object({ name: Type.String(), namespace: Type.String() }), reason: Type.String(), regarding: Type.Object({ kind: Type.String() }), note: Type.String() })
const refused = (more: Partial<Decision> = {}): Decision => ({
  ...sampleDecision('x'), detection: 'd1', verdict: 'alert', reason: 'ProtectedTarget', message: 'It is the DNS.', safety: [{ check: 'protected', passed: false, reason: 'ProtectedTarget', message: 'It is the DNS.' }], ...more,
})

function recorder (detection: Detection | null = DETECTION, refuse: AutoshieldError | null = null) {
  const created: Static<typeof Told>[] = []
  const troubles: string[] = []
  const clock = { nowMs: 1_800_000_000_000, now: () => clock.nowMs }
  const events = new RefusalEvents({
    create: async (_, object) => {
      if (refuse !== null) throw refuse
      created.push(Parse(Told, object))
      return { apiVersion: '', kind: '', metadata: { name: '' } }
    }
  }, { clock, detectionOf: () => detection, objectsOf: ({ policy }) => policy === 'threatpolicy/shop' ? [{ apiVersion: 'autoshield.dev/v1alpha1', kind: 'ThreatPolicy', namespace: 'autoshield', name: 'shop', uid: 'u-shop' }] : [], onTrouble: ({ message }) => troubles.push(message) })
  return { created, troubles, clock, events }
}

t.test('a refusal is told on the pod that it is about, with its reason code', async (t) => {
  const { created, events } = recorder()
  await events.take(refused())
  t.match(created, [{ reason: 'ProtectedTarget', regarding: { kind: 'Pod', namespace: 'shop', name: 'web-7', uid: 'u7' }, note: /It is the DNS\./ }])
})

t.test('it is told on the object of ours that it is about as well, whether or not a pod is known', async (t) => {
  const { created, events } = recorder()
  await events.take(refused({ policy: 'threatpolicy/shop' }))
  t.match(created, [{ regarding: { kind: 'Pod' } }, { reason: 'ProtectedTarget', metadata: { namespace: 'autoshield' }, regarding: { kind: 'ThreatPolicy', name: 'shop', uid: 'u-shop' } }])
  const outside = recorder({ ...DETECTION, source: { address: '192.0.2.1' }, target: null })
  await outside.events.take(refused({ policy: 'threatpolicy/shop' }))
  t.match(outside.created, [{ regarding: { kind: 'ThreatPolicy' } }])
})

t.test('the same reason is told once in ten minutes, another at once', async (t) => {
  const { created, clock, events } = recorder()
  for (const reason of ['ProtectedTarget', 'ProtectedTarget', 'Halted'] as const) await events.take(refused({ reason }))
  t.strictSame(created.map(({ reason }) => reason), ['ProtectedTarget', 'Halted'])
  clock.nowMs += 600_000
  await events.take(refused())
  t.equal(new Set(created.map(({ metadata }) => metadata.name)).size, 3)
})

t.test('a flood of them is bounded and counted', async (t) => {
  const { created, events } = recorder()
  for (let rule = 0; rule < 80; rule++) await events.take(refused({ rule: `r${rule}` }))
  t.strictSame([created.length, events.dropped], [50, 30])
})

t.test('what was no refusal, is a replay or names no pod is not told', async (t) => {
  const { created, events } = recorder()
  const others: Partial<Decision>[] = [{ verdict: 'mitigate' }, { verdict: 'simulate' }, { reason: 'AlertOnly' }, { safety: [] }]
  for (const more of others) await events.take(refused(more))
  t.strictSame(created, [])
  const replay = recorder({ ...DETECTION, simulated: true })
  await replay.events.take(refused())
  const unknown = recorder(null)
  await unknown.events.take(refused())
  t.strictSame([replay.created, unknown.created], [[], []])
})

t.test('an API server that refuses stops nothing, and is told but for what is there already', async (t) => {
  const full = recorder(DETECTION, new AutoshieldError('UNAVAILABLE', 'away'))
  await full.events.take(refused())
  t.strictSame(full.troubles, ['away'])
  const there = recorder(DETECTION, new AutoshieldError('CONFLICT', 'exists'))
  await there.events.take(refused())
  t.strictSame(there.troubles, [])
})
