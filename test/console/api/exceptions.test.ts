import t from 'tap'
import { ask, stage } from '../stage.ts'

const SPEC = { source: { namespace: 'shop' }, classes: ['PORT_SCAN'], upToSeverity: 'high', until: '2026-01-02T00:00:00Z', reason: 'an audit' }
const put = async (url: string, body: unknown) => ask(url, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

t.test('an exception is made in the name of who asks, listed, and removed with a reason', async (t) => {
  const { loop, urls } = await stage(t)
  const url = `${urls.api}/api/v1/exceptions/audit`
  const until = new Date(loop.now() + 3_600_000).toISOString()
  t.match((await put(url, { spec: { ...SPEC, until }, actor: 'jo' })).json(), { metadata: { name: 'audit' }, spec: { ...SPEC, until, by: 'console:jo' }, status: null })
  t.equal((await put(url, { spec: { ...SPEC, until } })).status, 409, 'it is not changed afterwards')
  t.match((await ask(`${urls.api}/api/v1/exceptions`)).json(), { items: [{ metadata: { name: 'audit' } }] })
  t.match((await ask(url)).json(), { metadata: { name: 'audit' } })
  t.equal((await ask(url, { method: 'DELETE' })).status, 400, 'a reason is needed')
  t.match((await ask(`${url}?reason=over`, { method: 'DELETE' })).json(), { metadata: { name: 'audit' } })
  t.match((await ask(url)).json(), { code: 'NOT_FOUND' })
})

t.test('one that is bad is refused with its places, and nobody speaks in another\'s name', async (t) => {
  const { loop, urls } = await stage(t)
  const url = `${urls.api}/api/v1/exceptions/audit`
  const { source: _, ...nobody } = SPEC
  const refused = await put(url, { spec: { ...nobody, until: new Date(loop.now() + 1_000).toISOString() } })
  t.equal(refused.status, 422)
  t.match(refused.json(), { code: 'BAD_DATA', message: /names neither source nor target/ })
  t.equal((await put(url, { spec: { ...SPEC, by: 'root' } })).status, 422)
  t.equal((await put(url, { spec: { ...SPEC, classes: [] } })).status, 422)
  t.strictSame(loop.exceptions.list(), [])
})
