import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { FlowStore, readFlows, type FlowRetention } from '../../../src/adapters/store/flow-store.ts'
import type { FlowAccount } from '../../../src/ports/flows.ts'
import { outside, podEnd } from '../../core/history/records.ts'

const MINUTE = 60_000
const NOW = 30_000_000
const [WEB, DB] = [podEnd('10.0.0.1', 'web'), podEnd('10.0.0.2', 'db', { namespace: 'data' })]

const account = (change: Partial<FlowAccount> = {}): FlowAccount => ({ minute: NOW - 10, source: WEB, destination: DB, protocol: 6, port: 5432, witness: 'source', begun: 2, carried: 1, failed: 0, bytesSent: 100, bytesReceived: 1_000, ...change })

async function open (t: { teardown: (end: () => unknown) => void }, retention: Partial<FlowRetention> = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'autoshield-flows-'))
  const clock = { nowMinute: NOW, now: () => clock.nowMinute * MINUTE }
  const store = { current: new FlowStore(dir, { clock, retention }) }
  t.teardown(async () => {
    store.current[Symbol.dispose]()
    await rm(dir, { recursive: true })
  })
  return { dir, clock, store, reopen: () => { store.current[Symbol.dispose](); store.current = new FlowStore(dir, { clock, retention }) } }
}

const all = { sinceMs: 0 } as const

t.test('both ends tell of a flow and it counts once, before and after it is folded, and after a restart', async (t) => {
  const { store, dir, reopen } = await open(t)
  await store.current.record([account({ begun: 9 }), account({ witness: 'destination' })])
  const expected = [{
    source: WEB,
    destination: DB,
    protocol: 6,
    port: 5432,
    witness: 'destination',
    begun: 2,
    carried: 1,
    failed: 0,
    bytesSent: 100,
    bytesReceived: 1_000,
    firstMs: (NOW - 10) * MINUTE,
    lastMs: (NOW - 9) * MINUTE,
  }]
  t.strictSame(store.current.records(all), expected)
  await store.current.settle()
  t.strictSame(store.current.records(all), expected, 'folded')
  t.equal(store.current.kept().rows, 1)
  reopen()
  t.strictSame(store.current.records(all), expected, 'opened again')
  using reader = readFlows(dir)
  t.strictSame(reader.records(all), expected, 'by another process, while this one owns it')
})

t.test('what is sent again counts once, also after it was folded', async (t) => {
  const { store } = await open(t)
  await store.current.record([account(), account()])
  await store.current.settle()
  await store.current.record([account()])
  t.ok(store.current.records(all).length === 1)
  await store.current.settle()
  t.match(store.current.records(all), [{ begun: 2, bytesSent: 100 }])
  t.equal(store.current.kept().lost.late, 1, 'and is counted as too late')
})

t.test('minutes add up over buckets; what was open at first counts once', async (t) => {
  const { store } = await open(t)
  await store.current.record([0, 1, 2, 20, 28, 29].map((minute) => account({ minute: NOW - 30 + minute, begun: 1, carried: minute === 0 ? 4 : 5 })))
  await store.current.settle()
  t.equal(store.current.kept().rows, 2, 'two of them are not settled yet')
  t.match(store.current.records(all), [{ begun: 6, carried: 4, bytesSent: 600, firstMs: (NOW - 30) * MINUTE, lastMs: NOW * MINUTE }])
  t.match(store.current.records({ sinceMs: (NOW - 15) * MINUTE }), [{ begun: 3, carried: 5 }])
  t.match(store.current.records({ sinceMs: 0, untilMs: (NOW - 15) * MINUTE }), [{ begun: 3, carried: 4 }])
})

t.test('flows of some pods or of a namespace are found by either end', async (t) => {
  const { store } = await open(t)
  await store.current.record([account(), account({ source: outside('192.0.2.1'), destination: WEB, port: 80 }), account({ source: outside('192.0.2.1'), destination: podEnd('10.0.0.3', 'other', { namespace: 'else' }), port: 81 })])
  for (const fold of [false, true]) {
    if (fold) await store.current.settle()
    const ports = (query: object): number[] => store.current.records({ ...all, ...query }).map(({ port }) => port).sort()
    t.same(ports({ pods: ['uid-db'] }), [5432])
    t.same(ports({ pods: ['uid-web'] }), [5432, 80])
    t.same(ports({ namespace: 'shop' }), [5432, 80])
    t.same(ports({ namespace: 'data' }), [5432])
    t.same(ports({ pods: ['uid-nobody'] }), [])
  }
})

t.test('a pod whose labels changed is another end, as it was then', async (t) => {
  const { store } = await open(t)
  await store.current.record([account(), account({ minute: NOW - 9, source: podEnd('10.0.0.1', 'web', { labels: { app: 'web', stage: 'canary' } }) })])
  t.same(store.current.records(all).map(({ source }) => source.pod?.labels), [{ app: 'web' }, { app: 'web', stage: 'canary' }])
})

t.test('the oldest goes when a day is over, and its pods with it', async (t) => {
  const { store, clock } = await open(t)
  await store.current.record([account()])
  await store.current.settle()
  clock.nowMinute += 24 * 60 + 100
  await store.current.record([account({ minute: clock.nowMinute - 5, source: outside('192.0.2.9') })])
  await store.current.settle()
  t.same(store.current.records(all).map(({ source }) => source.address), ['192.0.2.9'])
  t.equal(store.current.kept().lost.room, 0, 'which is no loss')
  await store.current.record([account({ minute: clock.nowMinute - 4 })])
  t.equal(store.current.records(all).length, 2, 'and a pod that was forgotten is met anew')
})

t.test('how long pods were there and observed is kept by the hour, each minute once, and goes with its day', async (t) => {
  const { store, clock, dir, reopen } = await open(t)
  const [observed, silent, other] = [{ uid: 'a', namespace: 'shop', observed: true }, { uid: 'b', namespace: 'shop', observed: false }, { uid: 'c', namespace: 'data', observed: true }]
  const HOUR = NOW - NOW % 60
  for (const minute of [HOUR - 1, HOUR, HOUR, HOUR + 1]) await store.current.watch(minute, [observed, silent, other])
  await store.current.watch(HOUR + 2, [{ ...observed, observed: false }])
  reopen()
  const shop = { sinceMs: 0, namespace: 'shop' }
  const expected = [{ uid: 'a', sinceMs: (HOUR - 1) * MINUTE, minutes: 4, observed: 3 }, { uid: 'b', sinceMs: (HOUR - 1) * MINUTE, minutes: 3, observed: 0 }]
  t.strictSame(store.current.watched(shop), expected)
  using reader = readFlows(dir)
  t.strictSame(reader.watched(shop), expected, 'beside the controller')
  t.match(store.current.watched({ ...shop, sinceMs: HOUR * MINUTE }), [{ uid: 'a', minutes: 3 }, { uid: 'b', minutes: 2 }], 'hours that are over are left out')
  clock.nowMinute = HOUR + 25 * 60
  await store.current.settle()
  t.strictSame(store.current.watched(shop), [])
})

t.test('rows beyond the bound are dropped, oldest first, and counted', async (t) => {
  const { store } = await open(t, { rows: 10 })
  for (const bucket of [50, 40, 30]) await store.current.record(Array.from({ length: 6 }, (_, port) => account({ minute: NOW - bucket, port: 1 + port })))
  await store.current.settle()
  t.match(store.current.kept(), { rows: 6, sinceMs: (NOW - 30) * MINUTE, lost: { room: 12 } })
})

t.test('bytes beyond the bound are dropped, oldest first', async (t) => {
  const { store } = await open(t, { bytes: 200_000 })
  for (const bucket of [50, 40, 30]) await store.current.record(Array.from({ length: 1_500 }, (_, port) => account({ minute: NOW - bucket, port: 1 + port })))
  await store.current.settle()
  const { rows, lost } = store.current.kept()
  t.equal(rows + lost.room, 4_500)
  t.ok(rows === 1_500, `${rows} rows are left`)
})

t.test('what could not be kept is not believed to be there', async (t) => {
  const { store } = await open(t)
  await store.current.record([account({ source: outside('192.0.2.1') })])
  const bad = { ...account({ source: outside('192.0.2.2') }), begun: 1.5 }
  await t.rejects(store.current.record([bad]), 'a table of whole numbers takes no half')
  await store.current.record([account({ source: outside('192.0.2.2') })])
  t.same(store.current.records(all).map(({ source }) => source.address), ['192.0.2.1', '192.0.2.2'])
})
