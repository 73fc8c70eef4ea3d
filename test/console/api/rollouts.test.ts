import t from 'tap'
import { madeSpec } from '../../core/rollout/made-policy.ts'
import { ask, post, stage } from '../stage.ts'

const SPEC = { restrictions: [{ name: 'scans', class: 'PORT_SCAN', action: 'deny' }] }

t.test('mesh policies are listed by name and answered whole', async (t) => {
  const { loop, urls } = await stage(t)
  for (const name of ['b', 'a']) await loop.rollouts.apply(name, SPEC)
  const list = (await ask(`${urls.api}/api/v1/rollouts?limit=1`)).json()
  t.match(list, { items: [{ metadata: { name: 'a' }, spec: madeSpec(), status: { stage: 'observe' } }], next: String })
  t.strictSame((await ask(`${urls.api}/api/v1/rollouts/a`)).json(), loop.rollouts.get('a'))
  t.match((await ask(`${urls.api}/api/v1/rollouts/nobody`)).json(), { code: 'NOT_FOUND' })
})

t.test('a policy is made and changed by name, and a bad one is refused with its places', async (t) => {
  const { loop, urls } = await stage(t)
  const put = async (body: unknown) => ask(`${urls.api}/api/v1/rollouts/a`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  t.match((await put({ spec: SPEC })).json(), { metadata: { name: 'a' }, spec: madeSpec() })
  t.match((await put({ spec: { ...SPEC, paused: true } })).json(), { metadata: { generation: 2 }, spec: { paused: true } })
  const refused = await put({ spec: { restrictions: [{ ...SPEC.restrictions[0], action: 'limit' }] } })
  t.equal(refused.status, 422)
  t.match(refused.json(), { code: 'BAD_DATA', message: /spec\.restrictions\.0\.limit/ })
  t.equal(loop.rollouts.get('a')?.metadata.generation, 2)
  t.equal((await ask(`${urls.api}/api/v1/rollouts/Bad_Name`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ spec: SPEC }) })).status, 400)
})

t.test('a policy is named as Kubernetes names objects, and deleted with a reason', async (t) => {
  const { loop, urls } = await stage(t)
  await loop.rollouts.apply('shop.example', SPEC)
  const url = `${urls.api}/api/v1/rollouts/shop.example`
  t.match((await ask(url)).json(), { metadata: { name: 'shop.example' } })
  t.equal((await ask(`${urls.api}/api/v1/rollouts/shop..example`)).status, 400)
  t.equal((await ask(url, { method: 'DELETE' })).status, 400, 'a reason is needed')
  t.match((await ask(`${url}?reason=over`, { method: 'DELETE' })).json(), { metadata: { name: 'shop.example' } })
  t.equal(loop.rollouts.get('shop.example'), null)
  t.match((await ask(`${url}?reason=over`, { method: 'DELETE' })).json(), { code: 'NOT_FOUND' })
})

t.test('a person steers a rollout by name, and what cannot be done is refused in words', async (t) => {
  const { loop, urls } = await stage(t)
  await loop.rollouts.apply('a', SPEC)
  const step = (command: string, body: object) => post(`${urls.api}/api/v1/rollouts/a/${command}`, body)
  t.match((await step('promote', { reason: 'I know it', actor: 'jo' })).json(), { status: { stage: 'shadow', history: [{ actor: 'console:jo', message: 'By console:jo: I know it' }] } })
  const refused = await step('resume', { reason: 'go on' })
  t.equal(refused.status, 409)
  t.match(refused.json(), { code: 'CONFLICT', message: /not held/ })
  t.equal((await step('pause', { reason: ' ' })).status, 422, 'a reason is needed')
  t.equal((await step('skip', { reason: 'x' })).status, 404)
})
