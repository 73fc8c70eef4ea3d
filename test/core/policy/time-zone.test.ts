import t from 'tap'
import { openTimeZone } from '../../../src/core/policy/time-zone.ts'

t.test('a moment is read on the wall clock of its zone', (t) => {
  const table: [string, string, object][] = [
    ['UTC', '2026-01-04T00:05:00Z', { month: 1, day: 4, hour: 0, minute: 5, weekday: 'sunday' }],
    ['Europe/Berlin', '2026-03-29T00:59:00Z', { month: 3, day: 29, hour: 1, minute: 59, weekday: 'sunday' }],
    ['Europe/Berlin', '2026-03-29T01:00:00Z', { month: 3, day: 29, hour: 3, minute: 0, weekday: 'sunday' }],
    ['Asia/Kolkata', '2026-12-31T18:30:00Z', { month: 1, day: 1, hour: 0, minute: 0, weekday: 'friday' }],
  ]
  for (const [name, moment, wanted] of table) t.strictSame(openTimeZone(name)?.at(Date.parse(moment)), wanted, `${name} ${moment}`)
  t.equal(openTimeZone('Mars/Olympus'), null)
  t.equal(openTimeZone(''), null)
  t.end()
})
