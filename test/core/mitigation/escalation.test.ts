import t from 'tap'
import { Value } from 'typebox/value'
import { conditionOf, withStatus } from '../../../src/core/mitigation/conditions.ts'
import { grown, isToGrow, LABELLED_SETTLE_MS, SETTLE_MS, sizeOf } from '../../../src/core/mitigation/escalation.ts'
import { Mitigation } from '../../../src/core/mitigation/mitigation.ts'
import { sampleMitigation } from '../../adapters/store/samples.ts'

const NOW = Date.parse('2026-01-02T12:00:00Z')
const programmed = (mitigation: Mitigation, atMs = NOW): Mitigation => withStatus(mitigation, [{ type: 'Programmed', status: 'True', reason: 'Acknowledged', message: 'taken' }], {}, atMs)
const taken = (mitigation: Mitigation, atMs: number, outcome: 'taken' | 'held-back' = 'taken'): Mitigation => ({
  ...mitigation, status: { ...mitigation.status, escalation: { from: 'egress', to: 'ingress', outcome, reason: 'Escalated', message: '', at: new Date(atMs).toISOString(), steps: 1 } },
})

t.test('it grows on fresh evidence alone, each row of the table', (t) => {
  const made = sampleMitigation('m-1')
  const waiting = withStatus(made, [{ type: 'Programmed', status: 'False', reason: 'Pending', message: '' }], {}, NOW)
  const fresh = NOW + SETTLE_MS
  const labelled = { ...programmed(made), status: { ...programmed(made).status, settleSeconds: LABELLED_SETTLE_MS / 1_000 } }
  const table: [string, Mitigation, number | null, boolean][] = [
    ['it has ended', { ...programmed(made), status: { ...programmed(made).status, phase: 'expired' } }, fresh, false],
    ['simulated', { ...programmed(made), status: { ...programmed(made).status, simulated: true } }, fresh, false],
    ['of any source', { ...programmed(made), spec: { ...made.spec, subject: 'anySource' } }, fresh, false],
    ['not programmed', waiting, fresh, false],
    ['nothing got through', programmed(made), null, false],
    ['before it was applied everywhere', programmed(made), fresh - 1, false],
    ['through, after it was', programmed(made), fresh, true],
    ['before a new label was known everywhere', labelled, NOW + LABELLED_SETTLE_MS - 1, false],
    ['through, after that was', labelled, NOW + LABELLED_SETTLE_MS, true],
    ['before the last step was applied', taken(programmed(made), NOW + 60_000), NOW + 60_000 + SETTLE_MS - 1, false],
    ['through the last step', taken(programmed(made), NOW + 60_000), NOW + 60_000 + SETTLE_MS, true],
    ['the last step was held back', taken(programmed(made), NOW + 60_000, 'held-back'), fresh, true],
  ]
  for (const [name, mitigation, piercedMs, is] of table) t.equal(isToGrow(mitigation, piercedMs), is, name)
  t.end()
})

t.test('its larger form keeps whose it is and when it ends, and nobody has taken it yet', (t) => {
  const before = programmed(sampleMitigation('m-1'))
  const wanted = { ...before.spec, victims: [], workloads: ['*'], policies: ['isolation' as const], direction: 'both' as const, expiresAt: '2026-01-09T00:00:00.000Z', detection: 'other', life: { ttlSeconds: 600, leastSeconds: 600 } }
  const status = { from: 'egress', to: 'isolation', outcome: 'taken', reason: 'Escalated', message: '3 of 5 got through.', at: new Date(NOW).toISOString(), steps: 1 } as const
  const after = grown(before, { mitigation: 'm-1', spec: wanted, targets: ['networkpolicy/shop/np'], undo: 'Lifts it.', status }, NOW + 1_000)
  t.equal(Value.Check(Mitigation, after), true)
  t.match(after, {
    metadata: { generation: before.metadata.generation + 1 },
    spec: { policies: ['isolation'], expiresAt: before.spec.expiresAt, detection: before.spec.detection, owner: before.spec.owner },
    status: { escalation: { from: 'egress', to: 'isolation' }, targets: [{ target: 'networkpolicy/shop/np', state: 'pending' }], undo: 'Lifts it.' },
  })
  t.match([conditionOf(after, 'Programmed')?.reason, conditionOf(after, 'Enforcing')?.status], ['Pending', 'Unknown'])
  t.equal(isToGrow(after, NOW + 999_999), false)
  t.end()
})

t.test('how large a restriction is stands in its spec', (t) => {
  t.equal(sizeOf({ action: 'limit' }), 'limit')
  t.equal(sizeOf({ action: 'deny' }), 'proxies')
  t.equal(sizeOf({ action: 'deny', policies: ['egress', 'ingress'] }), 'egress+ingress')
  t.equal(sizeOf({ action: 'deny', policies: ['isolation'] }), 'isolation')
  t.end()
})
