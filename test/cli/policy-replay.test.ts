import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FlowStore } from '../../src/adapters/store/flow-store.ts'
import { openStore } from '../../src/adapters/store/object-store.ts'
import { guessing } from '../console/scenes.ts'
import { flowRecord, outside, podEnd } from '../core/history/records.ts'
import { autoshield } from '../program.ts'

const NOW = Math.floor(Date.now() / 60_000)
const [WEB, DB, JOB] = [podEnd('10.0.0.1', 'web-1', { workload: 'Deployment/web', labels: { app: 'web' } }), podEnd('10.0.0.2', 'db-0', { workload: null, labels: { app: 'db' } }), podEnd('10.0.0.3', 'job-1', { workload: 'Job/job' })]
const POLICY = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: db, namespace: shop }
spec:
  podSelector: { matchLabels: { app: db } }
  ingress: [{ from: [{ podSelector: { matchLabels: { app: web } } }], ports: [{ port: 5432 }] }]
`
const SHUT = POLICY.replace('name: db', 'name: shut').replace(/ {2}ingress.*/, '')

const GUESSING = guessing(Date.now(), { kind: 'pair', source: { address: '10.0.0.3' }, target: { address: '10.0.0.2' }, firstSeen: new Date((NOW - 5) * 60_000).toISOString(), lastSeen: new Date((NOW - 5) * 60_000 + 1).toISOString() })

async function folder (t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'autoshield-policy-replay-'))
  t.teardown(async () => rm(dir, { recursive: true }))
  using flows = new FlowStore(dir, { clock: { now: () => Date.now() } })
  const seen = [flowRecord(WEB, DB, { port: 5432, begun: 9 }), flowRecord(JOB, DB, { port: 5432, begun: 4, failed: 1 }), flowRecord(outside('192.0.2.7'), WEB, { begun: 2 }), flowRecord(JOB, DB, { protocol: 1, port: 0, begun: 1 })]
  await flows.record(seen.map(({ firstMs: _, lastMs: __, ...account }) => ({ ...account, minute: NOW - 5 })))
  await using store = openStore(dir)
  await store.detections.put(GUESSING.id, GUESSING)
  await writeFile(join(dir, 'db.yaml'), POLICY)
  await writeFile(join(dir, 'shut.yaml'), SHUT)
  return dir
}

t.test('what a NetworkPolicy would have cut is listed with how often it was seen, and by which policy', async (t) => {
  const dir = await folder(t)
  const { status, stdout, stderr } = await autoshield(['policy', 'replay', join(dir, 'db.yaml'), '--data', dir])
  t.equal(status, 79, stderr)
  t.match(stdout.split('\n'), [/^CHANGE +SOURCE +DESTINATION +PORT +CONNECTIONS +FAILED +SUSPICIOUS/, /^cut +shop\/Job\/job +shop\/db-0 +TCP 5432 +4 +1 +4 .* ingress shop\/db$/, /^$/])
  t.match(stderr, /4 flows, kept since .*; 15 connections were judged, 1 are of no port or protocol/)
})

t.test('policies that are in force count: one of the same name is replaced, others add up', async (t) => {
  const dir = await folder(t)
  const replay = async (...args: readonly string[]) => {
    const { status, stdout, stderr } = await autoshield(['policy', 'replay', ...args, '--data', dir, '-o', 'json'])
    return { status, stderr, rows: stdout.trim().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as { change: string, source: string, connections: number }) }
  }
  const opened = await replay(join(dir, 'db.yaml'), '--in-force', join(dir, 'shut.yaml'))
  t.match(opened, { status: 0, rows: [{ change: 'opened', source: 'shop/Deployment/web', connections: 9 }] })
  t.match(await replay(join(dir, 'db.yaml'), '--in-force', join(dir, 'db.yaml')), { status: 0, rows: [] }, 'it is there already')
  t.match(await replay(join(dir, 'db.yaml'), join(dir, 'shut.yaml')), { status: 79, rows: [{ change: 'cut', source: 'shop/Job/job' }] })
})

t.test('what is no NetworkPolicy, or no data, is said with its mend', async (t) => {
  const dir = await folder(t)
  await writeFile(join(dir, 'pod.yaml'), 'apiVersion: v1\nkind: Pod\nmetadata: { name: x }\n')
  await writeFile(join(dir, 'bad.yaml'), POLICY.replace('ingress:', 'ingres:'))
  t.match(await autoshield(['policy', 'replay', join(dir, 'pod.yaml'), '--data', dir]), { status: 65, stderr: /pod.yaml holds v1 Pod/ })
  t.match(await autoshield(['policy', 'replay', join(dir, 'bad.yaml'), '--data', dir]), { status: 65, stderr: /NetworkPolicy shop\/db: spec.*no field that is known/ })
  t.match(await autoshield(['policy', 'replay', join(dir, 'db.yaml'), '--data', join(dir, 'nowhere')]), { status: 65, stderr: /--data/ })
})

t.test('flows are listed as they were recorded', async (t) => {
  const dir = await folder(t)
  const { status, stdout } = await autoshield(['flows', '--data', dir, '--since', '1h'])
  t.equal(status, 0)
  t.match(stdout.split('\n'), [/^SOURCE/, /^shop\/Deployment\/web +shop\/db-0 +TCP 5432 +9 /, /^shop\/Job\/job +shop\/db-0 +TCP 5432 +4 +1 /, /^192.0.2.7 +shop\/Deployment\/web +TCP 80 +2 /, /^shop\/Job\/job +shop\/db-0 +protocol 1 +1 /, ''])
  t.match(await autoshield(['flows', '--data', dir, '--namespace', 'nobody']), { status: 0, stdout: 'no flows were recorded\n' })
})
