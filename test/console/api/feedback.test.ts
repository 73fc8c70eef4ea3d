import t from 'tap'
import { guessing } from '../scenes.ts'
import { ask, stage } from '../stage.ts'

const put = async (url: string, body: unknown) => ask(url, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

t.test('a detection is marked in the name of who asks, listed, and counted', async (t) => {
  const { loop, urls } = await stage(t)
  const detection = guessing(loop.now())
  await loop.store.detections.put(detection.id, detection)
  const url = `${urls.api}/api/v1/detections/${detection.id}/mark`
  const until = new Date(loop.now() + 3_600_000).toISOString()
  t.match((await put(url, { verdict: 'false-alarm', reason: ' a load test ', exceptUntil: until, actor: 'jo' })).json(), { detection: detection.id, verdict: 'false-alarm', reason: 'a load test', by: 'console:jo', exception: `mark-${detection.id}` })
  t.match((await ask(`${urls.api}/api/v1/marks`)).json(), { items: [{ detection: detection.id }] })
  const said = async (query = '') => ((await ask(`${urls.api}/api/v1/marks/said${query}`)).json() as { items: unknown[] }).items
  t.match(await said(), [{ detection: detection.id, verdict: 'false-alarm', by: 'console:jo' }])
  t.notOk(JSON.stringify(await said()).includes('tensor'), 'a list of what was said does not carry windows')
  t.strictSame([(await said(`?detection=${detection.id}`)).length, (await said('?detection=another')).length], [1, 0])
  t.match((await ask(`${urls.api}/api/v1/precision`)).json(), detection.simulated ? [] : [{ class: detection.class, confirmed: 0, falseAlarms: 1, precision: 0 }])
})

t.test('what is no verdict, has no reason or names no detection is refused', async (t) => {
  const { loop, urls } = await stage(t)
  const detection = guessing(loop.now())
  await loop.store.detections.put(detection.id, detection)
  const url = `${urls.api}/api/v1/detections/${detection.id}/mark`
  t.equal((await put(url, { verdict: 'perhaps', reason: 'x' })).status, 422)
  t.equal((await put(url, { verdict: 'confirmed', reason: ' ' })).status, 422)
  t.equal((await put(url, { verdict: 'confirmed', reason: 'x', exceptUntil: '2030-01-01T00:00:00Z' })).status, 422)
  t.equal((await put(`${urls.api}/api/v1/detections/none/mark`, { verdict: 'confirmed', reason: 'x' })).status, 404)
  t.strictSame(loop.feedback.marks(), [])
})
