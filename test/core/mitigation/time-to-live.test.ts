import fc from 'fast-check'
import t from 'tap'
import { Value } from 'typebox/value'
import { Mitigation } from '../../../src/core/mitigation/mitigation.ts'
import { FLOOR_MS, followAttack, MOST_LIVES, quietMs, returnsAfter, type Signs } from '../../../src/core/mitigation/time-to-live.ts'
import { sampleMitigation } from '../../adapters/store/samples.ts'

const BEGIN = Date.parse('2026-01-01T12:00:00Z')
const TTL_S = 600
const MINUTE = 60_000
const at = (minutes: number): string => new Date(BEGIN + minutes * MINUTE).toISOString()

/** One that began at minute 0 and ends at minute 10, unless told otherwise. */
function born ({ end = 10, least = 60, term }: { end?: number, least?: number, term?: Mitigation['status']['term'] } = {}): Mitigation {
  const made = sampleMitigation('m-1')
  return {
    ...made,
    metadata: { ...made.metadata, creationTimestamp: at(0) },
    spec: { ...made.spec, expiresAt: at(end), life: { ttlSeconds: TTL_S, leastSeconds: least } },
    status: { ...made.status, ...(term !== undefined && { term }) },
  }
}
const shortened = (atMinute: number, formerEnd = 10, returns = 0): Mitigation['status']['term'] => ({ reason: 'AttackEnded', message: '', at: at(atMinute), formerEnd: at(formerEnd), returns })

/** The sign of an open detection and the last of any kind, in minutes. */
const signs = (open: number | null, last: number, returnsBefore = 0): Signs => ({ openMs: open === null ? null : BEGIN + open * MINUTE, lastMs: BEGIN + last * MINUTE, returnsBefore })

t.test('its end follows the attack by the table', (t) => {
  const table: [string, Mitigation, Signs, number, string | null, number?][] = [
    ['open, and the end a quarter later', born(), signs(2.5, 2.5), 2.5, 'AttackGoesOn', 12.5],
    ['open, and no quarter later yet', born(), signs(2.4, 2.4), 2.4, null],
    ['open, shortened before', born({ end: 5, term: shortened(4) }), signs(4.5, 4.5), 4.5, 'AttackCameBack', 14.5],
    ['none open, tried a moment ago', born(), signs(null, 4), 5, null],
    ['none open, tried since it was shortened', born({ end: 5, term: shortened(4) }), signs(null, 4.5), 4.5, 'AttackCameBack', 10],
    ['none open, tried before it was shortened', born({ end: 5, term: shortened(4) }), signs(null, 3.9), 4.1, null],
    ['none open, and quiet', born(), signs(null, 1), 3.5, 'AttackEnded', 4.5],
    ['none open, and quiet for less than a quarter', born(), signs(null, 1), 3.4, null],
    ['quiet, and it holds at least five minutes', born({ least: 300 }), signs(null, 0), 2.5, 'AttackEnded', 5],
    ['quiet, and it ends soon anyway', born(), signs(null, 0), 9.5, null],
    ['quiet, and it is kept whole', born({ least: TTL_S }), signs(null, 0), 5, null],
    ['quiet, after the attack came back once', born(), signs(null, 1, 1), 5, null],
    ['quiet for twice as long, after that', born(), signs(null, 1, 1), 6, 'AttackEnded', 7],
  ]
  for (const [name, mitigation, seen, now, reason, end] of table) {
    const change = followAttack(mitigation, seen, BEGIN + now * MINUTE)
    t.equal(change?.reason ?? null, reason, name)
    if (change === null || end === undefined) continue
    t.match(change.mitigation, { metadata: { generation: 2 }, spec: { expiresAt: at(end) }, status: { term: { reason, formerEnd: mitigation.spec.expiresAt } } }, name)
    t.ok(change.mitigation.status.term?.message.includes(at(end)))
    t.equal(Value.Check(Mitigation, change.mitigation), true)
  }
  t.end()
})

t.test('without a life its end is fixed, and what has ended stays so', (t) => {
  const { life: _, ...fixed } = born().spec
  t.equal(followAttack({ ...born(), spec: fixed }, signs(9, 9), BEGIN + 9 * MINUTE), null)
  const ended = born()
  t.equal(followAttack({ ...ended, status: { ...ended.status, phase: 'expired' } }, signs(9, 9), BEGIN + 9 * MINUTE), null)
  t.end()
})

t.test('whoever comes back again and again waits ever longer', (t) => {
  t.strictSame([0, 1, 2, 3].map((returns) => quietMs(TTL_S * 1_000, returns) / MINUTE), [2.5, 5, 10, 20])
  t.equal(quietMs(10_000, 0), FLOOR_MS)
  const back = followAttack(born({ end: 5, term: shortened(4, 10, 2) }), signs(null, 4.5), BEGIN + 4.5 * MINUTE)
  t.equal(back?.mitigation.status.term?.returns, 3)

  const ended = { ...born({ end: 5, term: shortened(4, 10, 2) }) }
  const before: Mitigation = { ...ended, status: { ...ended.status, phase: 'expired', endedAt: at(5) } }
  t.equal(returnsAfter(before, BEGIN + 15 * MINUTE), 3, 'also as another mitigation, within a time to live')
  t.equal(returnsAfter(before, BEGIN + 16 * MINUTE), 0)
  t.equal(returnsAfter({ ...before, status: { ...before.status, term: undefined } } as unknown as Mitigation, BEGIN + 6 * MINUTE), 0, 'one that went its whole time was not cheated')
  t.end()
})

t.test('property: whatever is seen, no end is beyond the bound, none is nearer than the floor, and none moves without a sign', async (t) => {
  const moment = fc.record({ gap: fc.integer({ min: 1, max: 300 }), sign: fc.constantFrom('open', 'tried', 'nothing') })
  fc.assert(fc.property(fc.array(moment, { maxLength: 200 }), (moments) => {
    let [mitigation, nowMs, lastMs] = [born(), BEGIN, BEGIN]
    for (const { gap, sign } of moments) {
      nowMs += gap * 1_000
      if (Date.parse(mitigation.spec.expiresAt) <= nowMs) return
      if (sign !== 'nothing') lastMs = nowMs
      const seen = { openMs: sign === 'open' ? nowMs : null, lastMs, returnsBefore: 0 }
      const change = followAttack(mitigation, seen, nowMs)
      if (change === null) continue
      const endMs = Date.parse(change.mitigation.spec.expiresAt)
      if (endMs > BEGIN + MOST_LIVES * TTL_S * 1_000) throw new Error('beyond the bound')
      if (endMs < nowMs + FLOOR_MS && endMs < Date.parse(mitigation.spec.expiresAt)) throw new Error('below the floor')
      if (sign === 'nothing' && change.reason !== 'AttackEnded' && lastMs <= Date.parse(mitigation.status.term?.at ?? at(-1))) throw new Error('moved without a sign')
      if (followAttack(change.mitigation, seen, nowMs) !== null) throw new Error('not level-based')
      mitigation = change.mitigation
    }
  }), { numRuns: 2_000 })
})
