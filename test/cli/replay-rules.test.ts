import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FlowStore } from '../../src/adapters/store/flow-store.ts'
import { openStore } from '../../src/adapters/store/object-store.ts'
import { guessing } from '../console/scenes.ts'
import { stage } from '../console/stage.ts'
import { flowRecord, podEnd } from '../core/history/records.ts'
import { autoshield } from '../program.ts'

const NOW = Math.floor(Date.now() / 60_000)
const at = (minutesAgo: number): string => new Date((NOW - minutesAgo) * 60_000).toISOString()
const [WEB, DB, JOB] = [podEnd('10.0.0.1', 'web'), podEnd('10.0.0.2', 'db'), podEnd('10.0.0.3', 'job', { workload: 'Job/job' })]
const RULE = 'id: guess, attack_class: BRUTE_FORCE, ttl_seconds: 1200'
const FILE = (action: string, more = ''): string => `rules:\n- { ${RULE}, ${more} actions: [{ action_type: ${action} }] }\n`
const OBJECT = `apiVersion: autoshield.dev/v1alpha1\nkind: ThreatPolicy\nmetadata: { name: mine }\nspec:\n  rules:\n  - { ${RULE}, actions: [{ action_type: network_policy }] }\n`
const NETWORK_POLICY = 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: db, namespace: shop }\nspec: { podSelector: {} }\n'

/** A job guesses passwords of a database from an hour ago on, for two minutes, and is a customer of it later; web is one all the time. */
async function folder (t: Test): Promise<string> {
  const dir = t.testdir({
    'object.yaml': OBJECT,
    'file.yaml': FILE('network_policy'),
    'isolate.yaml': FILE('pod_isolation', 'approval: { required: always },'),
    'limit.yaml': FILE('traffic_throttle, parameters: { rate_limit: 100kbps }'),
    'untold.yaml': FILE('network_policy', 'window: 600, condition: features.syn_count > 100000,'),
    'network.yaml': NETWORK_POLICY,
    data: {},
  })
  using flows = new FlowStore(join(dir, 'data'), { clock: { now: () => Date.now() } })
  const seen = [[WEB, DB, 70, 3], [JOB, DB, 59, 40], [WEB, DB, 59, 5], [WEB, JOB, 55, 2], [JOB, DB, 45, 6], [JOB, DB, 20, 9]] as const
  await flows.record(seen.map(([source, destination, minutesAgo, begun]) => {
    const { firstMs: _, lastMs: __, ...account } = flowRecord(source, destination, { port: 5432, begun, bytesReceived: 10 })
    return { ...account, minute: NOW - minutesAgo }
  }))
  await using store = openStore(join(dir, 'data'))
  const detection = guessing(0, { id: 'd1', source: { address: '10.0.0.3', uid: 'uid-job', name: 'job', namespace: 'shop' }, target: { address: '10.0.0.2', uid: 'uid-db', name: 'db', namespace: 'shop' }, firstSeen: at(60), lastSeen: at(58) })
  await store.detections.put('d1', detection)
  await store.detections.put('d2', { ...detection, id: 'd2', phase: 'suspected', delaySeconds: null, source: { address: '10.0.0.1', uid: 'uid-web' } })
  return dir
}

const replay = async (dir: string, file: string, ...args: readonly string[]) => autoshield(['policy', 'replay', join(dir, file), '--data', join(dir, 'data'), ...args])
const rows = (stdout: string): unknown[] => stdout.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as unknown)

t.test('what a ThreatPolicy would have cut is listed, the attack and what is legitimate apart', async (t) => {
  const dir = await folder(t)
  const { status, stdout, stderr } = await replay(dir, 'object.yaml')
  t.equal(status, 79, stderr)
  t.match(stdout.split('\n'), [
    /^WOULD BE +IS +SOURCE +DESTINATION +PORT +CONNECTIONS +FAILED +PODS/,
    /^cut +attack +shop\/Job\/job +shop\/Deployment\/db +TCP 5432 +40 +0 +2 .* threatpolicy\/mine\/guess for d1$/,
    /^cut +legitimate +shop\/Job\/job +shop\/Deployment\/db +TCP 5432 +6 /,
    /^$/,
  ], 'and what came when its time had passed is not')
  t.match(stderr, /^1 detections opened, rules fire for 1 of them; 1 restrictions follow\.\ncut: 40 connections of 2 pods, 2 workloads and 1 ports, which may be part of an attack\.\ncut: 6 .* are legitimate/)
  t.match(stderr, /Safety and the policies of then are not reckoned with/)
})

t.test('a policy file is replayed as well, as json', async (t) => {
  const dir = await folder(t)
  const { status, stdout } = await replay(dir, 'file.yaml', '-o', 'json')
  t.equal(status, 79)
  t.match(rows(stdout), [{ effect: 'cut', of: 'attack', port: 5432, connections: 40, by: ['guess'], detections: ['d1'] }, { effect: 'cut', of: 'legitimate', connections: 6 }])
})

t.test('what only limits is touched and not cut, and what waits for a person is said', async (t) => {
  const dir = await folder(t)
  const limited = await replay(dir, 'limit.yaml', '-o', 'json')
  t.match({ ...limited, rows: rows(limited.stdout) }, { status: 0, rows: [{ effect: 'limited', of: 'attack' }, { effect: 'limited', of: 'legitimate' }] })
  const isolated = await replay(dir, 'isolate.yaml', '-o', 'json')
  t.match(isolated, { status: 79, stderr: /1 restrictions would wait for a person/ })
  t.match(rows(isolated.stdout), [{ of: 'attack' }, { of: 'legitimate', source: 'shop/Job/job' }, { of: 'legitimate', source: 'shop/Deployment/web', destination: 'shop/Job/job', connections: 2 }])
})

t.test('of a running AutoShield, flows are read by the time of the restriction', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'autoshield-replay-rules-'))
  t.teardown(async () => rm(dir, { recursive: true }))
  await writeFile(join(dir, 'object.yaml'), OBJECT)
  const { loop, urls } = await stage(t)
  const bucketMs = Math.floor((loop.now() - 3_600_000) / 300_000) * 300_000
  const seen = { firstSeen: new Date(bucketMs).toISOString(), lastSeen: new Date(bucketMs + 60_000).toISOString() }
  await loop.store.detections.put('d1', guessing(0, { id: 'd1', source: { address: '10.0.0.3', uid: 'uid-job' }, target: { address: '10.0.0.2', uid: 'uid-db' }, ...seen }))
  loop.flowRecords = [0, 1, 5].map((bucket) => flowRecord(JOB, DB, { firstMs: bucketMs + bucket * 300_000, lastMs: bucketMs + bucket * 300_000 + 300_000, begun: 10 ** bucket, bytesReceived: 1 }))
  const { status, stdout, stderr } = await autoshield(['policy', 'replay', join(dir, 'object.yaml'), '--api', urls.api, '-o', 'json'])
  t.equal(status, 79, stderr)
  t.match(rows(stdout), [{ of: 'attack', connections: 1 }, { of: 'legitimate', connections: 10 }])
  t.equal(rows(stdout).length, 2)
})

t.test('a condition on what was not kept is named, and nothing follows from it', async (t) => {
  const dir = await folder(t)
  t.match(await replay(dir, 'untold.yaml'), { status: 0, stdout: 'no recorded flow would have been touched\n', stderr: /Of 1 something could not be told.*\n +guess: .*features\.syn_count/ })
})

t.test('a span without the detection touches nothing', async (t) => {
  const dir = await folder(t)
  t.match(await replay(dir, 'object.yaml', '--since', '30m'), { status: 0, stderr: /^0 detections opened/ })
})

t.test('kinds that are mixed, and flags of the other kind, are refused with the mend', async (t) => {
  const dir = await folder(t)
  t.match(await replay(dir, 'object.yaml', join(dir, 'network.yaml')), { status: 64, stderr: /network\.yaml is no ThreatPolicy or policy file/ })
  t.match(await replay(dir, 'object.yaml', '--in-force', join(dir, 'network.yaml')), { status: 64, stderr: /--in-force is of no use for a ThreatPolicy/ })
  t.match(await replay(dir, 'network.yaml', '--zone', 'UTC'), { status: 64, stderr: /--zone is of no use for NetworkPolicies/ })
  t.match(await replay(dir, 'object.yaml', '--zone', 'Nowhere'), { status: 64, stderr: /no time zone/ })
})
