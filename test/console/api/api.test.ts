import t from 'tap'
import type { Decision } from '../../../src/core/policy/decision.ts'
import type { Detection } from '../../../src/core/verdict/detection.ts'
import { AutoshieldError } from '../../../src/core/errors.ts'
import { attack, guessing, SHOP, undone } from '../scenes.ts'
import { ask, post, stage } from '../stage.ts'

interface Page<T> { items: T[], next: string | null }

t.test('a list is walked by its cursors without gap or repetition, also while it grows in front', async (t) => {
  const { loop, urls } = await stage(t)
  const put = (index: number) => loop.emit({ type: 'detection', detection: guessing(loop.now(), { id: `d${index}` }) })
  for (let index = 0; index < 7; index++) await put(index)
  const seen: string[] = []
  let next: string | null = ''
  while (next !== null) {
    const page = (await ask(`${urls.api}/api/v1/detections?limit=3${next === '' ? '' : `&cursor=${next}`}`)).json() as Page<Detection>
    seen.push(...page.items.map(({ id }) => id))
    if (next === '') await put(7)
    next = page.next
  }
  t.strictSame(seen, ['d6', 'd5', 'd4', 'd3', 'd2', 'd1', 'd0'])
})

t.test('a cursor of an item that is gone is refused in words', async (t) => {
  const { urls } = await stage(t)
  const answer = await ask(`${urls.api}/api/v1/detections?cursor=${Buffer.from('gone').toString('base64url')}`)
  t.equal(answer.status, 404)
  t.match(answer.json(), { code: 'NOT_FOUND', message: /start again without one/ })
})

t.test('filters narrow a list by what they say', async (t) => {
  const { loop, urls } = await stage(t)
  await attack(loop)
  await loop.emit({ type: 'detection', detection: guessing(loop.now(), { id: 'old', phase: 'closed', chain: 'other' }) })
  const ids = async (query: string) => ((await ask(`${urls.api}/api/v1/detections?${query}`)).json() as Page<Detection>).items.map(({ id }) => id)
  t.strictSame(await ids('phase=open'), ['det-guess-1'])
  t.strictSame(await ids('chain=other'), ['old'])
  t.strictSame(await ids('class=PORT_SCAN'), [])
  const decisions = (await ask(`${urls.api}/api/v1/decisions?detection=det-guess-1&verdict=mitigate`)).json() as Page<Decision>
  t.strictSame(decisions.items.map(({ id }) => id), ['dec-guess-1'])
  const pods = (await ask(`${urls.api}/api/v1/pods?namespace=ops`)).json() as Page<{ name: string, observed: boolean | null }>
  t.strictSame(pods.items.map(({ name, observed }) => [name, observed]), [['backup-0', false], ['ci-runner-0', true], ['metrics-0', true]])
})

t.test('objects are answered whole, as the stores hold them', async (t) => {
  const { loop, urls } = await stage(t)
  await attack(loop)
  const get = async (path: string) => (await ask(`${urls.api}/api/v1${path}`)).json()
  t.strictSame(await get('/detections/det-guess-1'), loop.store.detections.get('det-guess-1'))
  t.strictSame(await get('/decisions/dec-guess-1'), loop.store.decisions.get('dec-guess-1'))
  t.strictSame(await get('/mitigations/mit-guess-1'), loop.store.mitigations.get('mit-guess-1'))
  t.match(await get('/proxies/uid-shop-db-0/snapshot'), { version: '7' })
  t.match(await get('/status'), { version: '1.2.3', ready: true, detections: { open: 1 }, mitigations: { active: 1, simulated: 0 }, pods: { known: SHOP.length, unobserved: 1 } })
})

t.test('proxies are told with their pods, where they stand and what each of their restrictions is', async (t) => {
  const { loop, urls } = await stage(t)
  await attack(loop)
  const proxies = async (query = '') => (await ask(`${urls.api}/api/v1/proxies${query}`)).json()
  t.match(await proxies(), {
    items: [{
      podUid: 'uid-shop-db-0',
      namespace: 'shop',
      name: 'db-0',
      standing: 'in-sync',
      mitigations: ['mit-guess-1'],
      restrictions: [{ mitigation: 'mit-guess-1', sources: ['10.0.4.7'], action: 'limit', limit: { value: 1, unit: 'connections/s' }, ports: [5432], shadow: false, taken: true, openConnections: [{ ports: [5432], means: 'none' }] }],
    }],
    next: null
  })
  t.match(await proxies('?namespace=ops'), { items: [] })
  const [status] = loop.proxyList
  if (status === undefined) throw new Error('no proxy')
  loop.proxyList = [{ ...status, podUid: 'uid-gone', mitigations: ['gone'], connected: false }]
  t.match(await proxies(), { items: [{ podUid: 'uid-gone', namespace: null, name: null, standing: 'away', mitigations: ['gone'], restrictions: [] }] }, 'what nobody knows any more has no words')
})

t.test('before any traffic there is a picture of nothing, not an error', async (t) => {
  const { urls } = await stage(t)
  const answer = await ask(`${urls.api}/api/v1/traffic`)
  t.equal(answer.status, 200)
  t.equal(answer.json(), null)
})

t.test('the plan behind a decision or a mitigation is YAML that kubectl reads', async (t) => {
  const { loop, urls } = await stage(t)
  await attack(loop)
  for (const path of ['/decisions/dec-guess-1/plan', '/mitigations/mit-guess-1/plan']) {
    const answer = await ask(`${urls.api}/api/v1${path}`)
    t.match(answer.headers['content-type'], 'text/plain')
    t.match(answer.text, /^apiVersion: networking.k8s.io\/v1\nkind: NetworkPolicy\n/)
  }
})

t.test('an undo reaches the loop with who and why, and answers the mitigation as it is then', async (t) => {
  const { loop, urls } = await stage(t)
  await attack(loop)
  const answer = await post(`${urls.api}/api/v1/mitigations/mit-guess-1/revert`, { reason: ' false alarm ', actor: 'ada' })
  t.equal(answer.status, 200)
  t.match(answer.json(), { metadata: { name: 'mit-guess-1' }, status: { phase: 'reverted' } })
  t.strictSame(loop.reverts, [{ mitigation: 'mit-guess-1', actor: 'console:ada', reason: 'false alarm' }])
})

t.test('what has ended cannot be undone again', async (t) => {
  const { loop, urls } = await stage(t)
  await undone(loop)
  const answer = await post(`${urls.api}/api/v1/mitigations/mit-guess-1/revert`, { reason: 'again' })
  t.equal(answer.status, 409)
  t.match(answer.json(), { code: 'CONFLICT', message: /already reverted/ })
  t.equal(loop.reverts.length, 1)
})

const REFUSED: readonly (readonly [what: string, path: string, init: Parameters<typeof ask>[1], status: number, code: string])[] = [
  ['an unknown detection', '/detections/nobody', {}, 404, 'NOT_FOUND'],
  ['an unknown path', '/nothing', {}, 404, 'NOT_FOUND'],
  ['a method that a path does not know', '/detections', { method: 'DELETE' }, 405, 'USAGE'],
  ['a limit that is no number', '/detections?limit=ten', {}, 400, 'USAGE'],
  ['a limit with a fraction', '/detections?limit=1.5', {}, 400, 'USAGE'],
  ['a limit given twice', '/detections?limit=1&limit=2', {}, 400, 'USAGE'],
  ['a limit that is too large', '/detections?limit=501', {}, 400, 'USAGE'],
  ['an unknown query', '/detections?colour=red', {}, 400, 'USAGE'],
  ['a time that is none', '/audit?since=yesterday', {}, 400, 'USAGE'],
  ['a path that is not encoded', '/detections/%zz', {}, 400, 'USAGE'],
  ['the effect of policies where no cluster is', '/mitigations/mit-guess-1/effect', {}, 409, 'CONFLICT'],
  ['an undo without a reason', '/mitigations/mit-guess-1/revert', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }, 422, 'BAD_DATA'],
  ['an undo with a blank reason', '/mitigations/mit-guess-1/revert', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"reason":"  "}' }, 422, 'BAD_DATA'],
  ['an undo by nobody that could be named', '/mitigations/mit-guess-1/revert', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"reason":"x","actor":"<b>"}' }, 422, 'BAD_DATA'],
  ['a body that is not JSON', '/mitigations/mit-guess-1/revert', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }, 400, 'USAGE'],
  ['a body that a foreign form could send', '/mitigations/mit-guess-1/revert', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{"reason":"x"}' }, 415, 'USAGE'],
  ['a body that is too large', '/mitigations/mit-guess-1/revert', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ reason: 'x'.repeat(9000) }) }, 413, 'USAGE'],
]

t.test('every refusal has one shape, a status that fits, and changes nothing', async (t) => {
  const { loop, urls } = await stage(t)
  await attack(loop)
  for (const [what, path, init, status, code] of REFUSED) {
    const answer = await ask(`${urls.api}/api/v1${path}`, init)
    t.equal(answer.status, status, what)
    const body = answer.json() as { code: string, message: string }
    t.equal(body.code, code, what)
    t.strictSame(Object.keys(body).sort(), ['code', 'message'], what)
  }
  t.strictSame(loop.reverts, [])
})

t.test('a defect answers 500 and keeps its internals to itself; a full disk says so', async (t) => {
  const { loop, urls } = await stage(t)
  await attack(loop)
  loop.revert = () => Promise.reject(new Error('secret at /var/lib'))
  const broken = await post(`${urls.api}/api/v1/mitigations/mit-guess-1/revert`, { reason: 'x' })
  t.equal(broken.status, 500)
  t.notMatch(broken.text, /secret|var|lib/)
  loop.revert = () => Promise.reject(new AutoshieldError('INTERNAL', 'secret at /var/lib'))
  t.notMatch((await post(`${urls.api}/api/v1/mitigations/mit-guess-1/revert`, { reason: 'x' })).text, /secret|var|lib/)
  loop.revert = () => Promise.reject(new AutoshieldError('UNAVAILABLE', 'The disk under the store is full; free some space.'))
  const full = await post(`${urls.api}/api/v1/mitigations/mit-guess-1/revert`, { reason: 'x' })
  t.equal(full.status, 503)
  t.match(full.json(), { code: 'UNAVAILABLE', message: /disk .* full/ })
})

t.test('the audit trail is searched newest first and walked by cursors', async (t) => {
  const { loop, urls } = await stage(t)
  for (let index = 1; index <= 5; index++) await loop.audit.append({ actor: index % 2 === 0 ? 'ada' : 'controller', action: 'mitigate', object: `m${index}`, reason: 'RuleMatched', detail: {} })
  const page = async (query: string) => (await ask(`${urls.api}/api/v1/audit?${query}`)).json() as Page<{ object: string }>
  t.strictSame((await page('actor=ada')).items.map(({ object }) => object), ['m4', 'm2'])
  const first = await page('limit=2')
  t.strictSame(first.items.map(({ object }) => object), ['m5', 'm4'])
  t.strictSame((await page(`limit=2&cursor=${first.next ?? ''}`)).items.map(({ object }) => object), ['m3', 'm2'])
})

t.test('readiness follows the loop, and says why not; health only says that the process answers', async (t) => {
  const { loop, urls } = await stage(t)
  t.equal((await ask(`${urls.api}/readyz`)).status, 200)
  loop.readiness = { ready: false, reasons: ['no detector is connected'] }
  const answer = await ask(`${urls.dashboard}/readyz`)
  t.equal(answer.status, 503)
  t.match(answer.json(), { code: 'UNAVAILABLE', message: 'Not ready: no detector is connected.' })
  t.equal((await ask(`${urls.dashboard}/healthz`)).status, 200)
})

t.test('the kill switch is pulled with a reason, told of, and let go', async (t) => {
  const { loop, urls } = await stage(t)
  await attack(loop)
  const panic = `${urls.api}/api/v1/panic`
  t.strictSame((await ask(panic)).json(), { halt: null })
  t.equal((await post(`${panic}/end`, { reason: 'mended' })).status, 409)
  t.equal((await post(panic, { reason: ' ' })).status, 422)
  t.match((await post(panic, { reason: ' wrong ', actor: 'ada', undo: true })).json(), { halt: { by: 'console:ada', reason: 'wrong' }, undone: 1, failed: [] })
  t.match((await ask(panic)).json(), { halt: { by: 'console:ada', reason: 'wrong' } })
  t.strictSame((await post(`${panic}/end`, { reason: 'mended' })).json(), { halt: null })
})
