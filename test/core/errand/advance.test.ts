import t from 'tap'
import { Value } from 'typebox/value'
import { advance, type ErrandEvent, type Outcome } from '../../../src/core/errand/advance.ts'
import { Errand, isDue } from '../../../src/core/errand/errand.ts'
import { ALERT, errandOf, EVICTION, NOW_MS, WEBHOOK } from './made-errand.ts'

const AGAIN: Outcome = { result: 'again', reason: 'ReceiverAway', message: 'it is away.' }
const REFUSED: Outcome = { result: 'refused', reason: 'ReceiverRefused', message: 'no.' }
const DONE: Outcome = { result: 'done', reason: 'Delivered', message: 'taken.' }
const KEPT: Outcome = { result: 'kept', reason: 'EvidenceKept', message: 'kept.', evidence: { name: 'e-1', sha256: 'ab' } }
const CANCELLED: ErrandEvent = { type: 'cancelled', reason: 'Cancelled', message: 'Cancelled by ada: harmless' }
const [DEADLINE_MS, LATE_MS] = [NOW_MS + 600_000, NOW_MS + 600_001]

t.test('each row of the table: what an event makes of an errand', (t) => {
  const ended = advance(errandOf(EVICTION), { type: 'attempted', outcome: DONE }, NOW_MS, 0)
  const rows: [string, Errand, ErrandEvent, number, Errand['state']['phase'], Errand['reason']][] = [
    ['ended stays ended', ended, CANCELLED, NOW_MS, 'done', 'Delivered'],
    ['cancelled', errandOf(EVICTION), CANCELLED, NOW_MS, 'cancelled', 'Cancelled'],
    ['done', errandOf(EVICTION), { type: 'attempted', outcome: DONE }, NOW_MS, 'done', 'Delivered'],
    ['refused', errandOf(EVICTION), { type: 'attempted', outcome: REFUSED }, NOW_MS, 'failed', 'ReceiverRefused'],
    ['kept', errandOf(EVICTION), { type: 'attempted', outcome: KEPT }, NOW_MS, 'waiting', 'EvidenceKept'],
    ['again, in time', errandOf(EVICTION), { type: 'attempted', outcome: AGAIN }, NOW_MS, 'waiting', 'ReceiverAway'],
    ['again, too late', errandOf(EVICTION), { type: 'attempted', outcome: AGAIN }, DEADLINE_MS - 1, 'failed', 'NotInTime'],
    ['waited, in time', errandOf(EVICTION), { type: 'waited' }, DEADLINE_MS - 1, 'waiting', 'Pending'],
    ['waited, too late', errandOf(EVICTION), { type: 'waited' }, LATE_MS, 'failed', 'NotInTime'],
  ]
  for (const [name, before, event, atMs, phase, reason] of rows) {
    const after = advance(before, event, atMs, 0)
    t.equal(after.state.phase, phase, name)
    t.equal(after.reason, reason, name)
    t.ok(Value.Check(Errand, after), `${name}: it fits its schema`)
  }
  t.match(advance(errandOf(EVICTION), { type: 'attempted', outcome: AGAIN }, DEADLINE_MS - 1, 0).message, /could not be done.*it is away/, 'what was heard last is said')
  t.end()
})

t.test('waits grow up to a bound, are drawn, and are never shorter than the receiver asks', (t) => {
  const waits = (random: number, outcome: Outcome = AGAIN): number[] => {
    let errand = errandOf(WEBHOOK)
    const found: number[] = []
    for (let nowMs = NOW_MS; found.length < 5;) {
      errand = advance(errand, { type: 'attempted', outcome }, nowMs, random)
      if (errand.state.phase !== 'waiting') break
      found.push(Date.parse(errand.state.nextAt) - nowMs)
      nowMs = Date.parse(errand.state.nextAt)
    }
    return found
  }
  t.strictSame(waits(0), [500, 1_000, 2_000, 4_000, 8_000])
  t.ok(waits(0.9).every((wait, index) => wait > (waits(0)[index] ?? 0)), 'many errands do not return in step')
  t.equal(waits(0, { ...AGAIN, afterMs: 120_000 })[0], 120_000)
  t.equal(waits(0, { ...AGAIN, afterMs: 86_400_000 })[0], 900_000, 'a receiver cannot put it off for a day')
  t.end()
})

t.test('an errand is due when its next attempt is, and a message lives an hour whatever the rule says', (t) => {
  const waiting = advance(errandOf(ALERT), { type: 'attempted', outcome: AGAIN }, NOW_MS, 0)
  t.notOk(isDue(waiting, NOW_MS + 499))
  t.ok(isDue(waiting, NOW_MS + 500))
  t.equal(errandOf(ALERT).deadline, '2026-06-01T13:00:00.000Z')
  t.equal(errandOf(EVICTION).deadline, '2026-06-01T12:10:00.000Z', 'an eviction as long as a restriction by its rule')
  t.end()
})
