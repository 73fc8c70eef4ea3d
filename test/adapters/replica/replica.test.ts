import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DataCopy, markLed, replicaId } from '../../../src/adapters/replica/data-copy.ts'
import { followLeader } from '../../../src/adapters/replica/follow-leader.ts'
import { serveFollowers } from '../../../src/adapters/replica/serve-followers.ts'
import { AUDIT_DATABASE, openAuditTrail } from '../../../src/adapters/store/audit-trail.ts'
import { ChangeLog } from '../../../src/adapters/store/change-log.ts'
import { openStore, STORE_DATABASE } from '../../../src/adapters/store/object-store.ts'
import { verifyAudit } from '../../../src/adapters/store/verify-audit.ts'
import { AutoshieldError } from '../../../src/core/errors.ts'
import { fixedCredentials } from '../../../src/wire/held-credentials.ts'
import { wait } from '../../../src/wire/wait.ts'
import { identityOf, Root } from '../../certs/samples.ts'
import { sampleDetection } from '../store/samples.ts'

const root = new Root()
const DATABASES = [STORE_DATABASE, AUDIT_DATABASE]
const clock = { now: Date.now }

/** A folder of a test's own. */
function folders (t: Test): (name: string) => string {
  const dir = t.testdir({ leader: {}, other: {} })
  return (name) => join(dir, name)
}

/** A leader over a folder; `inSync` is what its lease would say. */
async function leader (t: Test, { dir, patienceMs = 2_000 }: { dir: string, patienceMs?: number }) {
  const stop = new AbortController()
  const known: string[][] = []
  const news = { ring: (): undefined => undefined }
  const log = new ChangeLog({
    replica: 'a',
    setInSync: async (replicas) => {
      known.push([...replicas])
      news.ring()
    },
    wait,
    signal: stop.signal,
    patienceMs,
  })
  const store = openStore(dir, {}, log)
  const audit = openAuditTrail(dir, { clock, log })
  const port = Promise.withResolvers<number>()
  const served = serveFollowers({
    log, listen: '127.0.0.1:0', credentials: fixedCredentials(root.issue('controller')), follower: identityOf('controller'), onListening: (bound) => port.resolve(bound),
  }, stop.signal)
  let ending: Promise<void> | null = null
  const end = (): Promise<void> => {
    stop.abort()
    ending ??= served.then(async () => {
      await store[Symbol.asyncDispose]()
      await audit[Symbol.asyncDispose]()
    })
    return ending
  }
  t.teardown(end)
  /** Resolves when the lease names exactly these beside the leader. */
  const inSync = async (...replicas: string[]): Promise<void> => {
    while (JSON.stringify(known.at(-1) ?? ['a']) !== JSON.stringify(['a', ...replicas])) {
      await new Promise<void>((resolve) => { news.ring = () => { resolve() } })
    }
  }
  return { store, audit, log, known, inSync, end, address: `127.0.0.1:${await port.promise}` }
}

/** A follower of that address, over a folder; ends when it is asked to. */
function follower (t: Test, address: string, { dir, replica = 'b', identity = 'controller' }: { dir: string, replica?: string, identity?: string }) {
  const copy = new DataCopy({ dir, databases: DATABASES })
  const stop = new AbortController()
  const lost: AutoshieldError[] = []
  const gone = Promise.withResolvers<AutoshieldError>()
  const following = followLeader({
    replica,
    copy,
    servers: { list: () => [address], onChange: () => ({ [Symbol.dispose]: () => undefined }) },
    credentials: fixedCredentials(root.issue(identity)),
    server: identityOf('controller'),
    random: Math.random,
    onDisconnect: (error) => {
      lost.push(error)
      gone.resolve(error)
    },
  }, stop.signal)
  const end = async (): Promise<void> => {
    stop.abort()
    await following
    copy[Symbol.dispose]()
  }
  t.teardown(end)
  return { dir, end, copy, gone: gone.promise }
}

const entry = (at: number) => ({ actor: 'test', action: 'decision.mitigate', object: `detection/${at}`, reason: 'RuleMatched', detail: { at } })

t.test('what is acknowledged while a follower is in sync is on its disk: objects, checkpoints and a trail that proves itself', async (t) => {
  const folder = folders(t)
  const { store, audit, log, inSync, end, address } = await leader(t, { dir: folder('leader') })
  const silent = log.follow('c', () => undefined)
  t.teardown(() => { silent[Symbol.dispose]() })
  await store.detections.put('before', sampleDetection('before'))
  for (let at = 1; at <= 5; at++) await audit.append(entry(at))
  const standby = follower(t, address, { dir: folder('other') })
  // Written while the copy is made: it is in the copy, or follows it, or both.
  const meanwhile = Array.from({ length: 50 }, async (_, at) => {
    await store.detections.put(`m${at % 7}`, sampleDetection(`m${at % 7}`, { count: at }))
    await audit.append(entry(100 + at))
  })
  await Promise.all(meanwhile)
  await inSync('b')
  await store.detections.put('after', sampleDetection('after', { count: 3 }))
  await store.checkpoints.save('safety', { halt: null })
  await audit.append(entry(200))
  t.match(log.followers(), [{ replica: 'c', state: 'behind', behind: log.position }, { replica: 'b', state: 'in-sync', behind: 0 }])
  // The leader dies: nothing more is asked of it.
  await standby.end()
  const expected = { detections: store.detections.list(), entries: audit.search({ limit: 1_000 }) }
  await end()
  await using taken = openStore(standby.dir)
  await using trail = openAuditTrail(standby.dir, { clock })
  t.strictSame(taken.detections.list(), expected.detections)
  t.strictSame(taken.checkpoints.load('safety'), { halt: null })
  t.strictSame(trail.search({ limit: 1_000 }), expected.entries)
  await trail.append(entry(201))
  t.strictSame(verifyAudit(standby.dir), { ok: true, entries: 57 })
})

t.test('a follower that does not keep up is known to be out of sync before anything is acknowledged without it', async (t) => {
  const folder = folders(t)
  const { store, inSync, known, address } = await leader(t, { dir: folder('leader'), patienceMs: 100 })
  const standby = follower(t, address, { dir: folder('other') })
  await inSync('b')
  standby.copy.apply = () => { /* it has the change and does not write it */ throw new AutoshieldError('UNAVAILABLE', 'the disk is full') }
  await store.detections.put('x', sampleDetection('x'))
  t.ok(known.some((replicas, at) => at > 0 && !replicas.includes('b')), 'the lease named it, and did not any more when the write was acknowledged')
})

t.test('nothing is acknowledged where it cannot be made known who misses it', async (t) => {
  const dir = t.testdir()
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  let isLost = false
  const log = new ChangeLog({
    replica: 'a',
    wait,
    signal: stop.signal,
    patienceMs: 10,
    setInSync: async () => { if (isLost) throw new AutoshieldError('CONFLICT', 'b leads') },
  })
  await using store = openStore(dir, {}, log)
  const following = log.follow('b', () => undefined)
  following.kept(log.position)
  isLost = true
  await t.rejects(store.detections.put('x', sampleDetection('x')), { code: 'CONFLICT', message: 'b leads' })
  await t.rejects(store.detections.put('y', sampleDetection('y')), { code: 'CONFLICT' }, 'nor later')
})

t.test('only a controller may follow', async (t) => {
  const folder = folders(t)
  const { address } = await leader(t, { dir: folder('leader') })
  const stranger = follower(t, address, { dir: folder('other'), identity: 'xds' })
  t.match(await stranger.gone, { code: 'UNTRUSTED' })
  t.notOk(existsSync(join(stranger.dir, 'store.db')))
})

t.test('what a leader had alone is put aside when it follows another, and a folder keeps its name', async (t) => {
  const folder = folders(t)
  const { address, inSync } = await leader(t, { dir: folder('leader') })
  const dir = folder('other')
  const id = replicaId(dir, () => 'r-1')
  t.equal(replicaId(dir, () => 'r-2'), id)
  markLed(dir)
  const own = openStore(dir)
  await own.detections.put('alone', sampleDetection('alone'))
  await own[Symbol.asyncDispose]()
  const former = follower(t, address, { dir, replica: id })
  await inSync(id)
  await former.end()
  t.ok(existsSync(join(dir, 'store.db.superseded')))
  await using now = openStore(dir)
  t.equal(now.detections.get('alone'), null)
})
