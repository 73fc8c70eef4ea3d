import t from 'tap'
import { endOf, whomOf } from '../../src/cli/exceptions.ts'

t.test('who is meant is said in one word', (t) => {
  const table: [string, object][] = [
    ['shop/db-0', { namespace: 'shop', name: 'db-0' }],
    ['shop/*', { namespace: 'shop' }],
    ['shop/app=web', { namespace: 'shop', labels: { app: 'web' } }],
    ['app=web', { labels: { app: 'web' } }],
    ['app.kubernetes.io/name=web', { labels: { 'app.kubernetes.io/name': 'web' } }],
    ['shop/app.kubernetes.io/name=web', { namespace: 'shop', labels: { 'app.kubernetes.io/name': 'web' } }],
    ['10.0.0.7', { cidr: '10.0.0.7/32' }],
    ['10.0.0.0/24', { cidr: '10.0.0.0/24' }],
    ['fd00::7', { cidr: 'fd00::7/128' }],
  ]
  for (const [text, whom] of table) t.strictSame(whomOf(text), whom, text)
  for (const text of ['', 'db-0', 'shop/', '/db-0']) t.throws(() => whomOf(text), { code: 'USAGE' }, text)
  t.end()
})

t.test('an end is a time, or how long from now', (t) => {
  const now = Date.UTC(2026, 0, 1)
  t.equal(endOf('30m', now), '2026-01-01T00:30:00.000Z')
  t.equal(endOf('4h', now), '2026-01-01T04:00:00.000Z')
  t.equal(endOf('7d', now), '2026-01-08T00:00:00.000Z')
  t.equal(endOf('2026-12-01T06:00:00+01:00', now), '2026-12-01T05:00:00.000Z')
  for (const text of ['', 'soon', '4', '-1h']) t.throws(() => endOf(text, now), { code: 'USAGE' }, text)
  t.end()
})
