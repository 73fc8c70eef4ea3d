import t from 'tap'
import { endOf } from '../../src/cli/exceptions.ts'

t.test('an end is a time, or how long from now', (t) => {
  const now = Date.UTC(2026, 0, 1)
  t.equal(endOf('30m', now), '2026-01-01T00:30:00.000Z')
  t.equal(endOf('4h', now), '2026-01-01T04:00:00.000Z')
  t.equal(endOf('7d', now), '2026-01-08T00:00:00.000Z')
  t.equal(endOf('2026-12-01T06:00:00+01:00', now), '2026-12-01T05:00:00.000Z')
  for (const text of ['', 'soon', '4', '-1h']) t.throws(() => endOf(text, now), { code: 'USAGE' }, text)
  t.end()
})
