import t from 'tap'
import { ACTION_TYPES } from '../../../src/core/policy/action-type.ts'
import { afterApprovalEvent, needsApproval, type Approval, type ApprovalEvent } from '../../../src/core/safety/approval.ts'

const NOW_MS = Date.parse('2026-11-24T11:00:00Z')

t.test('which actions need a person, for every row of the table', (t) => {
  const needing = (required: 'never' | 'always' | 'drastic') => ACTION_TYPES.filter((action) => needsApproval({ required, deadlineSeconds: 1, then: 'suppress' }, action))
  t.strictSame(needing('never'), [])
  t.strictSame(needing('always'), ACTION_TYPES.filter((action) => action !== 'alert_only'))
  t.strictSame(needing('drastic'), ['pod_isolation', 'pod_termination', 'node_quarantine'])
  t.end()
})

t.test('what becomes of what waits, for every row of the table', (t) => {
  const waiting = (deadlineMs: number): Approval => ({ state: 'waiting', deadline: new Date(deadlineMs).toISOString(), then: 'suppress', evidence: { completedHandshake: true, confirmedByOwnObserver: true, standsForMany: false } })
  const events: ApprovalEvent[] = [{ type: 'approve', by: 'ada', why: 'seen' }, { type: 'reject', by: 'ada', why: 'a backup' }, { type: 'withdraw', why: 'over' }, { type: 'beat' }]
  const states = (approval: Approval) => events.map((event) => afterApprovalEvent(approval, event, NOW_MS)?.state ?? null)
  t.strictSame(states(waiting(NOW_MS + 1)), ['approved', 'rejected', 'withdrawn', 'waiting'])
  t.strictSame(states(waiting(NOW_MS)), ['approved', 'rejected', 'withdrawn', 'lapsed'])
  for (const state of ['approved', 'rejected', 'lapsed', 'withdrawn'] as const) t.strictSame(states({ ...waiting(NOW_MS), state }), [null, null, null, null])
  t.match(afterApprovalEvent(waiting(NOW_MS), { type: 'reject', by: 'ada', why: 'a backup' }, NOW_MS), { by: 'ada', why: 'a backup', at: '2026-11-24T11:00:00.000Z' })
  t.end()
})
