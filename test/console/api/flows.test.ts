import t from 'tap'
import type { FlowPage } from '../../../src/core/history/flow-page.ts'
import { unpackFlows } from '../../../src/core/history/flow-page.ts'
import { flowRecord, outside, podEnd } from '../../core/history/records.ts'
import { ask, stage } from '../stage.ts'

t.test('flows are told with each end once, most connections first, and how many are left off', async (t) => {
  const { loop, urls } = await stage(t)
  const nowMs = Math.floor(loop.now() / 60_000) * 60_000
  const times = { firstMs: nowMs - 120_000, lastMs: nowMs }
  const [web, db, other] = [podEnd('10.0.0.1', 'web'), podEnd('10.0.0.2', 'db'), podEnd('10.0.0.3', 'other', { namespace: 'else' })]
  loop.flowRecords = [flowRecord(web, db, times), flowRecord(outside('192.0.2.1'), web, { ...times, begun: 7 }), flowRecord(outside('192.0.2.1'), other, { ...times, port: 81 }), flowRecord(web, db, { port: 82, lastMs: nowMs - 2 * 86_400_000 })]
  const get = async (query: string) => (await ask(`${urls.api}/api/v1/flows${query}`)).json() as FlowPage
  const page = await get('')
  t.equal(page.left, 0)
  t.equal(page.ends.length, 4)
  t.strictSame(unpackFlows(page), [loop.flowRecords[1], loop.flowRecords[0], loop.flowRecords[2]], 'of the last day')
  t.match(await get('?namespace=else'), { flows: [{ port: 81 }] })
  t.match(await get('?limit=1'), { left: 2, flows: [{ begun: 7 }] })
  t.match((await get(`?since=${new Date(nowMs - 3 * 86_400_000).toISOString()}`)).flows.length, 4)
  t.equal((await ask(`${urls.api}/api/v1/flows?since=yesterday`)).status, 400)
})
