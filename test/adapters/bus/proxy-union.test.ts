import t from 'tap'
import { ProxyUnion } from '../../../src/adapters/bus/proxy-union.ts'
import type { ProxyStatus } from '../../../src/ports/proxies.ts'

const status = (podUid: string, more: Partial<ProxyStatus> = {}): ProxyStatus =>
  ({ podUid, connected: true, version: 'v1', state: 'in-sync', message: '', mitigations: [], since: '2026-01-01T00:00:00.000Z', refused: [], taken: [], shortfalls: [], openConnections: {}, ...more })
const away = (podUid: string, more: Partial<ProxyStatus> = {}): ProxyStatus => status(podUid, { connected: false, state: 'pending', message: 'no proxy of this pod is connected', ...more })
const all = (...statuses: readonly ProxyStatus[]): ReadonlyMap<string, ProxyStatus> => new Map(statuses.map((each) => [each.podUid, each]))

t.test('nothing is heard before the first server has said everything', async (t) => {
  const union = new ProxyUnion()
  t.notOk(union.heard)
  t.same(union.change('a', [status('p')], []), [])
  t.same(union.away('a'), [])
  t.notOk(union.heard)
  union.sync('a', all())
  t.ok(union.heard, 'also one that knows of no proxy')
})

t.test('a proxy is what it is where it is connected, whoever is asked first', async (t) => {
  for (const [first, second] of [['a', 'b'], ['b', 'a']] as const) {
    const union = new ProxyUnion()
    const said = { a: all(status('p'), away('q', { since: '2026-01-02T00:00:00.000Z' })), b: all(away('p', { since: '2026-01-02T00:00:00.000Z' }), status('q')) }
    union.sync(first, said[first])
    union.sync(second, said[second])
    t.same(union.statuses().toSorted((one, other) => one.podUid < other.podUid ? -1 : 1), [status('p'), status('q')])
    t.equal(union.serverOf('p'), 'a')
    t.equal(union.serverOf('q'), 'b')
  }
})

t.test('of two servers where it is equally connected the newest counts', async (t) => {
  const union = new ProxyUnion()
  const [older, newer] = [status('p', { version: 'v1' }), status('p', { version: 'v2', since: '2026-01-01T00:00:00.001Z' })]
  union.sync('a', all(newer))
  t.same(union.sync('b', all(older)), [], 'what is older changes nothing')
  t.same(union.statuses(), [newer])
})

t.test('a proxy goes over to another server', async (t) => {
  const union = new ProxyUnion()
  union.sync('a', all(status('p')))
  union.sync('b', all(away('p')))
  t.same(union.away('a'), [away('p')], 'the one that is left does not have it')
  t.same(union.change('b', [status('p')], []), [status('p')])
  t.same(union.sync('a', all(away('p', { since: '2026-01-02T00:00:00.000Z' }))), [], 'the one that came back does not have it')
})

t.test('while nobody is heard, the last words count and nothing is connected', async (t) => {
  const union = new ProxyUnion()
  union.sync('a', all(status('p', { mitigations: ['deny'] })))
  t.same(union.away('a'), [status('p', { mitigations: ['deny'], connected: false })])
  t.ok(union.heard)
  t.equal(union.serverOf('p'), null)
  union.sync('b', all(status('q')))
  t.same(union.statuses(), [status('q')], 'p is gone meanwhile')
})

t.test('a proxy that is named no more is gone', async (t) => {
  const union = new ProxyUnion()
  union.sync('a', all(status('p')))
  union.sync('b', all(away('p')))
  t.same(union.change('a', [], ['p']), [away('p')], 'for one server alone it is not')
  t.same(union.change('b', [], ['p']), [])
  t.same(union.statuses(), [])
})
