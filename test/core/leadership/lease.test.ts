import t from 'tap'
import { elect, laidDown, taken, type LeaseRecord } from '../../../src/core/leadership/lease.ts'

const SETTINGS = { durationMs: 3_000, staleMs: 30_000 }
const record = (parts: Partial<LeaseRecord>): LeaseRecord => ({ holder: 'b', durationMs: 3_000, transitions: 4, inSync: ['b'], ...parts })
const LEAD = { outcome: 'lead', missing: 'nothing' }
const WAIT = { outcome: 'wait' }

t.test('who may lead', async (t) => {
  const rows: [string, { record: LeaseRecord, unchangedMs: number } | null, object][] = [
    ['nobody ever led', null, LEAD],
    ['it leads already', { record: record({ holder: 'a', inSync: [] }), unchangedMs: 0 }, LEAD],
    ['another leads', { record: record({ inSync: ['a', 'b'] }), unchangedMs: 2_999 }, WAIT],
    ['another has not renewed, and it is in sync', { record: record({ inSync: ['a', 'b'] }), unchangedMs: 3_000 }, LEAD],
    ['another has not renewed, and nobody is known to be in sync', { record: record({ inSync: [] }), unchangedMs: 3_000 }, LEAD],
    ['the last one laid it down, and it is in sync', { record: record({ holder: null, inSync: ['a', 'b'] }), unchangedMs: 0 }, LEAD],
    ['the last one laid it down, and only others are in sync', { record: record({ holder: null }), unchangedMs: 0 }, WAIT],
    ['another has not renewed, and only others are in sync', { record: record({}), unchangedMs: 29_999 }, WAIT],
    ['those in sync have not come back', { record: record({}), unchangedMs: 30_000 }, { outcome: 'lead', missing: 'unknown' }],
    ['a lease longer than the patience', { record: record({ durationMs: 60_000 }), unchangedMs: 31_000 }, WAIT],
  ]
  for (const [name, sight, outcome] of rows) t.strictSame(elect('a', sight, SETTINGS), outcome, name)
})

t.test('who takes the lease is alone in sync, and the hands it went through are counted', async (t) => {
  t.strictSame(taken('a', null, SETTINGS), { holder: 'a', durationMs: 3_000, transitions: 0, inSync: ['a'] })
  t.strictSame(taken('a', record({ inSync: ['a', 'b'] }), SETTINGS), { holder: 'a', durationMs: 3_000, transitions: 5, inSync: ['a'] })
  t.equal(taken('b', record({}), SETTINGS).transitions, 4)
  t.strictSame(elect('a', { record: laidDown(record({ inSync: ['a', 'b'] })), unchangedMs: 0 }, SETTINGS), LEAD)
})
