import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { FlowStore } from '../../src/adapters/store/flow-store.ts'
import { openStore } from '../../src/adapters/store/object-store.ts'
import { SHOP } from '../console/scenes.ts'
import { stage } from '../console/stage.ts'
import { flowRecord, podEnd } from '../core/history/records.ts'
import { autoshield } from '../program.ts'

t.test('what is recommended can be tried at once, and cuts nothing that it was made of', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'autoshield-recommend-'))
  t.teardown(async () => rm(dir, { recursive: true }))
  const nowMinute = Math.floor(Date.now() / 60_000)
  const [web, db, job] = [podEnd('10.0.0.1', 'web-1', { labels: { app: 'web' } }), podEnd('10.0.0.2', 'db-1', { labels: { app: 'db' } }), podEnd('10.0.0.3', 'job-1', { labels: { app: 'job' } })]
  {
    using flows = new FlowStore(dir, { clock: { now: () => Date.now() } })
    await openStore(dir)[Symbol.asyncDispose]()
    const account = (source: typeof web, minute: number) => {
      const { firstMs: _, lastMs: __, ...rest } = flowRecord(source, db, { port: 5432, witness: 'recording' })
      return { ...rest, minute: nowMinute - minute }
    }
    await flows.record([account(web, 300), account(web, 10), account(job, 10)])
  }
  const { status, stdout, stderr } = await autoshield(['policy', 'recommend', '--namespace', 'shop', '--data', dir])
  t.equal(status, 0, stderr)
  t.match(stdout, /Self-check: policies made without the newest \d+ minutes would have cut 1 connections of these \(2 flows\)\.\n# {3}shop\/Deployment\/job-1 -> shop\/Deployment\/db-1 TCP 5432: 1/)
  await writeFile(join(dir, 'recommended.yaml'), stdout)
  t.match(await autoshield(['policy', 'replay', join(dir, 'recommended.yaml'), '--data', dir]), { status: 0, stdout: 'nothing would change for what was seen\n' })
  t.match(await autoshield(['policy', 'recommend', '--namespace', 'nowhere', '--data', dir]), { stdout: '', stderr: /nothing was seen of namespace nowhere/ })
  t.match(await autoshield(['policy', 'recommend', '--data', dir]), { status: 64, stderr: /--namespace/ })
})

t.test('of a running AutoShield, pods that did not show at all are named', async (t) => {
  const { loop, urls } = await stage(t)
  loop.podList = [...SHOP]
  const nowMs = Math.floor(loop.now() / 60_000) * 60_000
  const [one, other] = loop.podList.filter(({ namespace }) => namespace === 'shop')
  if (one === undefined || other === undefined) throw new Error('the scene has no two pods in shop')
  const end = ({ uid, name, addresses: [address = ''], labels }: typeof one) => podEnd(address, name, { uid, labels: { ...labels } })
  loop.flowRecords = [flowRecord(end(one), end(other), { witness: 'recording', firstMs: nowMs - 600_000, lastMs: nowMs })]
  const { status, stdout, stderr } = await autoshield(['policy', 'recommend', '--namespace', 'shop', '--api', urls.api])
  t.equal(status, 0, stderr)
  const [, named = ''] = /^# Pods that were not seen at all: (.*)$/m.exec(stdout) ?? []
  t.same(named.split(', ').map((name) => name.replace(' (no observer)', '')).sort(), loop.podList.filter((pod) => pod.namespace === 'shop' && pod !== one && pod !== other).map(({ name }) => name).sort())
})
