import t from 'tap'
import { ask, stage } from '../stage.ts'

const metadata = (name: string) => ({ name, uid: `u-${name}`, generation: 2, creationTimestamp: '2026-01-01T00:00:00.000Z' })

t.test('threat policies are told as they were written, with what became of them', async (t) => {
  const { loop, urls } = await stage(t)
  const url = `${urls.api}/api/v1/threat-policies`
  t.strictSame((await ask(url)).json(), { items: [], next: null }, 'none without a cluster')
  loop.threatPolicyList = [{ metadata: metadata('bad'), spec: { rules: 'none' }, status: { rules: 0, generation: 0, problems: ['spec.rules: must be array'], conditions: [] } }, { metadata: metadata('new'), spec: {}, status: null }]
  t.match((await ask(url)).json(), { items: [{ metadata: { name: 'bad' }, status: { problems: ['spec.rules: must be array'] } }, { status: null }] })
  t.match((await ask(`${url}/new`)).json(), { metadata: { name: 'new' } })
  t.equal((await ask(`${url}/nobody`)).status, 404)
})

t.test('who leads is told with how far each follower is behind; the only replica has none', async (t) => {
  const { loop, urls } = await stage(t)
  const url = `${urls.api}/api/v1/leadership`
  t.strictSame((await ask(url)).json(), { leadership: null })
  const leads = { replica: 'autoshield-controller-0_ab', since: '2026-01-01T00:00:00.000Z', term: 3, missing: 'nothing' as const, followers: [{ replica: 'autoshield-controller-1_cd', state: 'behind' as const, behind: 12 }] }
  loop.leads = leads
  t.strictSame((await ask(url)).json(), { leadership: leads })
})
