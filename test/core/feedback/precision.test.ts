import t from 'tap'
import { precisionOf } from '../../../src/core/feedback/precision.ts'
import { wilson } from '../../../src/core/feedback/wilson.ts'

t.test('Wilson\'s interval is that of the tables', async (t) => {
  // Newcombe (1998), table I, method 3.
  for (const [k, n, low, high] of [[81, 263, 0.2553, 0.3662], [15, 148, 0.0624, 0.1605], [0, 20, 0, 0.1611], [1, 29, 0.0061, 0.1718]] as const) {
    const interval = wilson(k, n)
    t.ok(Math.abs(interval.low - low) < 0.0001, `${k} of ${n}: ${interval.low}`)
    t.ok(Math.abs(interval.high - high) < 0.0001, `${k} of ${n}: ${interval.high}`)
  }
  t.equal(wilson(5, 5).high, 1)
})

t.test('precision is the share of what was confirmed, by class and namespace, without replays', async (t) => {
  const mark = (name: string, namespace: string | null, verdict: 'confirmed' | 'false-alarm', simulated = false) => ({ class: name, namespace, verdict, simulated })
  const rows = precisionOf([
    mark('PORT_SCAN', 'shop', 'confirmed'), mark('PORT_SCAN', 'shop', 'confirmed'), mark('PORT_SCAN', 'shop', 'false-alarm'),
    mark('BRUTE_FORCE', null, 'false-alarm'), mark('BRUTE_FORCE', null, 'confirmed', true),
  ])
  t.match(rows, [
    { class: 'BRUTE_FORCE', namespace: null, confirmed: 0, falseAlarms: 1, precision: 0, low: 0 },
    { class: 'PORT_SCAN', namespace: 'shop', confirmed: 2, falseAlarms: 1, precision: 2 / 3 },
  ])
  t.same(precisionOf([]), [])
})
