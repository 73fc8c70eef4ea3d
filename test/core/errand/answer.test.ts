import t from 'tap'
import { outcomeOf } from '../../../src/core/errand/answer.ts'
import { NOW_MS } from './made-errand.ts'

t.test('each row of the table: what the status of a receiver means', (t) => {
  const rows: [number, string, string][] = [
    [200, 'done', 'Delivered'], [202, 'done', 'Delivered'], [299, 'done', 'Delivered'],
    [408, 'again', 'ReceiverAway'], [425, 'again', 'ReceiverAway'], [429, 'again', 'ReceiverAway'], [500, 'again', 'ReceiverAway'], [503, 'again', 'ReceiverAway'],
    [301, 'refused', 'ReceiverRefused'], [302, 'refused', 'ReceiverRefused'], [307, 'refused', 'ReceiverRefused'],
    [400, 'refused', 'ReceiverRefused'], [401, 'refused', 'ReceiverRefused'], [404, 'refused', 'ReceiverRefused'], [101, 'refused', 'ReceiverRefused'],
  ]
  for (const [status, result, reason] of rows) t.match(outcomeOf('soc.example', { status }, NOW_MS), { result, reason, message: new RegExp(`soc.example.*${status}`) })
  t.end()
})

t.test('Retry-After is read in seconds and as a date, and nonsense is no wait', (t) => {
  const waits = (retryAfter: string): unknown => ({ ...outcomeOf('r', { status: 503, retryAfter }, NOW_MS) })
  t.match(waits('120'), { afterMs: 120_000 })
  t.match(waits('Mon, 01 Jun 2026 12:00:30 GMT'), { afterMs: 30_000 })
  t.match(waits('Mon, 01 Jun 2026 11:00:00 GMT'), { afterMs: 0 })
  t.match(waits('soon'), { afterMs: 0 })
  t.end()
})
