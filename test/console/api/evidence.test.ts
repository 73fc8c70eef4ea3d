import t from 'tap'
import { createErrand } from '../../../src/core/errand/errand.ts'
import type { FakeLoop } from '../fake-loop.ts'
import { ask, stage } from '../stage.ts'

const POD = { uid: 'u1', namespace: 'shop', name: 'web-7' }

async function evicted (loop: FakeLoop, { sha256 = 'aa', changed = [] }: { sha256?: string, changed?: string[] } = {}): Promise<void> {
  const errand = createErrand({ id: 'dec-1', detection: 'det-1', policy: 'p', ruleHash: 'h' }, { type: 'eviction', pod: POD, gracePeriodSeconds: 0, evidence: { name: 'dec-1', sha256: 'aa' } }, 60, loop.now())
  await loop.errandStore.put('dec-1', errand)
  const manifest = {
    errand: 'dec-1', detection: 'det-1', pod: POD, keptAt: '2026-01-01T00:00:00.000Z', files: [{ name: 'pod.json', bytes: 3, sha256: 'bb' }], missing: [{ what: 'logs-app.txt', why: 'the container never began' }],
  }
  loop.kept.set('dec-1', { account: { manifest, sha256, changed }, files: { 'pod.json': '{}\n' } })
}

t.test('what was kept of a pod is told with what could not be had, and each file is there to be saved', async (t) => {
  const { loop, urls } = await stage(t)
  await evicted(loop)
  const url = `${urls.api}/api/v1/errands/dec-1/evidence`
  t.match((await ask(url)).json(), { manifest: { files: [{ name: 'pod.json' }], missing: [{ why: 'the container never began' }] }, recorded: 'aa', state: 'as-kept', changed: [] })
  const file = await ask(`${url}/pod.json`)
  t.equal(file.text, '{}\n')
  t.match(file.headers, { 'content-type': 'text/plain; charset=utf-8', 'content-disposition': 'attachment; filename="pod.json"', 'x-content-type-options': 'nosniff' })
})

t.test('evidence that is not as it was kept says so', async (t) => {
  const { loop, urls } = await stage(t)
  const url = `${urls.api}/api/v1/errands/dec-1/evidence`
  await evicted(loop, { changed: ['pod.json'] })
  t.match((await ask(url)).json(), { state: 'changed', changed: ['pod.json'] })
  await evicted(loop, { sha256: 'cc' })
  t.match((await ask(url)).json(), { state: 'changed', changed: [], recorded: 'aa', sha256: 'cc' })
})

t.test('where nothing was kept, or no such file, nothing is given', async (t) => {
  const { loop, urls } = await stage(t)
  const errand = createErrand({ id: 'dec-2', detection: 'det-1', policy: 'p', ruleHash: 'h' }, { type: 'eviction', pod: POD, gracePeriodSeconds: 0 }, 60, loop.now())
  await loop.errandStore.put('dec-2', errand)
  t.match((await ask(`${urls.api}/api/v1/errands/dec-2/evidence`)).json(), { code: 'NOT_FOUND', message: /Nothing was kept/ })
  t.equal((await ask(`${urls.api}/api/v1/errands/nobody/evidence`)).status, 404)
  await evicted(loop)
  t.equal((await ask(`${urls.api}/api/v1/errands/dec-1/evidence/other.txt`)).status, 404)
  for (const name of ['..%2Fstore.db', '%2Fetc%2Fpasswd', 'a%22b', '.hidden']) t.equal((await ask(`${urls.api}/api/v1/errands/dec-1/evidence/${name}`)).status, 400, name)
})
