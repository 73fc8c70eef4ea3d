import t from 'tap'
import { ProtectedSet } from '../../../src/core/safety/protected.ts'
import { sampleDecision } from '../../adapters/store/samples.ts'
import { ask, post, stage } from '../stage.ts'

const waiting = (id: string) => ({ ...sampleDecision(id), verdict: 'hold', reason: 'ApprovalRequired', approval: { state: 'waiting', deadline: '2026-01-01T00:10:00.000Z', then: 'suppress', evidence: { completedHandshake: true, confirmedByOwnObserver: true, standsForMany: false } } } as const)

t.test('what is protected is listed with how it is known, page by page', async (t) => {
  const { loop, urls } = await stage(t)
  loop.protectedSet = new ProtectedSet([
    { kind: 'namespace', name: 'kube-system', by: 'system', how: 'It is the cluster\'s own.' },
    { kind: 'pod', name: 'shop/gate', uid: 'u1', by: 'webhook', how: 'It is asked.' },
    { kind: 'pod', name: 'shop/gate', uid: 'u2', by: 'webhook', how: 'It is asked, too.' },
  ])
  const first = (await ask(`${urls.api}/api/v1/protected?limit=2`)).json() as { items: unknown[], next: string }
  t.match(first.items, [{ name: 'kube-system', how: 'It is the cluster\'s own.' }, { uid: 'u1' }])
  t.match((await ask(`${urls.api}/api/v1/protected?limit=2&cursor=${first.next}`)).json(), { items: [{ uid: 'u2' }], next: null })
  t.match((await ask(`${urls.api}/api/v1/protected?by=system`)).json(), { items: [{ by: 'system' }], next: null })
  t.equal((await ask(`${urls.api}/api/v1/protected?by=nobody`)).status, 400)
})

t.test('budgets and the circuit breaker are told as they stand now', async (t) => {
  const { loop, urls } = await stage(t)
  const { enforced } = loop.safetyState
  loop.safetyState = { ...loop.safetyState, enforced: { ...enforced, breaker: { state: 'open', untilMs: loop.now() + 30_000, openMs: 60_000 }, actions: [{ atMs: loop.now(), rule: 'scan', source: '10.0.0.1', target: '10.0.0.2' }] } }
  t.match((await ask(`${urls.api}/api/v1/safety`)).json(), { actuation: 'on', enforced: { breaker: { state: 'open' }, actions: { used: 1, most: 10 }, rules: { listed: [{ name: 'scan', used: 1 }] } }, simulated: { breaker: { state: 'closed' } } })
})

t.test('what a yes to what waits would do is told beforehand', async (t) => {
  const { loop, urls } = await stage(t)
  for (const id of ['a', 'b']) await loop.store.decisions.put(id, waiting(id))
  const look = async (id: string) => ask(`${urls.api}/api/v1/decisions/${id}/outlook`)
  t.match((await look('a')).json(), { decision: { id: 'a', verdict: 'mitigate' }, touches: { total: 0, listed: [] }, expiresAt: null, flows: { state: 'none' } })
  await post(`${urls.api}/api/v1/decisions/b/reject`, { reason: 'a backup' })
  t.strictSame([(await look('b')).status, (await look('nobody')).status], [409, 404])
})

t.test('what waits for a person is listed, answered once, with a reason and a name', async (t) => {
  const { loop, urls } = await stage(t)
  for (const id of ['a', 'b']) await loop.store.decisions.put(id, waiting(id))
  await loop.store.decisions.put('c', sampleDecision('c'))
  t.match((await ask(`${urls.api}/api/v1/decisions?approval=waiting`)).json(), { items: [{ id: 'b' }, { id: 'a' }] })
  t.match((await post(`${urls.api}/api/v1/decisions/a/approve`, { reason: ' seen ', actor: 'ada' })).json(), { id: 'a', approval: { state: 'approved' } })
  t.match((await post(`${urls.api}/api/v1/decisions/b/reject`, { reason: 'a backup' })).json(), { approval: { state: 'rejected' } })
  t.strictSame(loop.answers, [{ id: 'a', answer: 'approve', actor: 'console:ada', reason: 'seen' }, { id: 'b', answer: 'reject', actor: 'console:anonymous', reason: 'a backup' }])
  t.equal((await post(`${urls.api}/api/v1/decisions/a/approve`, { reason: 'again' })).status, 409)
  t.equal((await post(`${urls.api}/api/v1/decisions/nobody/approve`, { reason: 'x' })).status, 404)
  t.equal((await post(`${urls.api}/api/v1/decisions/c/approve`, { reason: '  ' })).status, 422, 'a reason is needed')
})
