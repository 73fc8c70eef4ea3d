import t from 'tap'
import { see } from '../../../src/core/evidence/memory.ts'
import { ask, stage } from '../stage.ts'

const post = async (url: string, body: unknown) => ask(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

t.test('what somebody is known for is said, listed and taken back, by name and with a reason in the trail', async (t) => {
  const { loop, urls } = await stage(t)
  const url = `${urls.api}/api/v1/baselines`
  const until = new Date(loop.now() + 3_600_000).toISOString()
  const spec = { source: 'ops/StatefulSet/bastion', knownFor: 'sessions', port: 22, amount: 200, until, reason: 'it logs in everywhere' }
  see(loop.remembered, { key: { kind: 'pair', source: '10.0.0.7', destination: '10.0.0.9' }, ports: [{ port: 22 }], atMs: loop.now() }, (address) => address)
  t.match((await post(url, { spec, actor: 'jo' })).json(), { source: 'ops/StatefulSet/bastion', target: null, amount: 200, known: true, expires: until, taught: { by: 'console:jo' } })
  t.match((await ask(url)).json(), { items: [{ source: '10.0.0.7', knownFor: 'use', hours: 0, known: false }, { source: 'ops/StatefulSet/bastion' }], next: null })
  t.notMatch((await ask(`${url}?known=true`)).json(), { items: [{ source: '10.0.0.7' }] })
  t.match((await ask(`${url}?workload=10.0.0.9`)).json(), { items: [{ source: '10.0.0.7' }] })
  t.equal((await post(`${url}/forget`, { of: '10.0.0.9' })).status, 422, 'a reason is needed')
  t.strictSame((await post(`${url}/forget`, { of: 'ops/StatefulSet/bastion', reason: 'broken into', actor: 'jo' })).json(), { forgotten: 1 })
  t.match((await post(`${url}/forget`, { of: 'ops/StatefulSet/bastion', reason: 'again' })).json(), { code: 'NOT_FOUND' })
  t.match(loop.audit.search({ action: 'baseline.taught' }), [{ actor: 'console:jo', reason: 'BaselineTaught', detail: { reason: 'it logs in everywhere', amount: 200 } }])
  t.match(loop.audit.search({ action: 'baseline.forgotten' }), [{ actor: 'console:jo', reason: 'BaselineForgotten', detail: { why: 'broken into', count: 1 } }])
})

t.test('what is bad is refused with its places, and nothing is kept', async (t) => {
  const { loop, urls } = await stage(t)
  const spec = { source: 'bastion', knownFor: 'upload', until: new Date(loop.now() + 3_600_000).toISOString(), reason: 'x' }
  const refused = await post(`${urls.api}/api/v1/baselines`, { spec })
  t.equal(refused.status, 422)
  t.match(refused.json(), { code: 'BAD_DATA', message: /spec\.source: "bastion" .*; spec\.amount: say how much/ })
  t.equal(loop.remembered.taught.size, 0)
})
