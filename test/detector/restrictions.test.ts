import t from 'tap'
import type { RestrictionCount } from '../../src/core/mitigation/restriction-count.ts'
import { encodeRestrictionCount, type OwnRestrictionCount } from '../../src/wire/restriction-counts.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'
import { RawObserver } from './raw-observer.ts'
import { connected, POD, POD_ADDRESS, recent, REPLAY, stage, Told } from './stage.ts'

const count = (change: Partial<OwnRestrictionCount> = {}): OwnRestrictionCount => ({
  source: '10.0.0.9', destination: POD_ADDRESS, port: 80, unit: 'connections', atMs: recent(1) * 500, attempts: 5, denied: 2, limited: 1, passed: 2, shadowed: 1, ...change,
})
const restrictionsOf = (told: Told): RestrictionCount[] => told.events.flatMap((event) => event.type === 'restrictions' ? event.counts : [])

t.test('what a proxy did with attempts reaches whoever follows the scores, under the name of its own pod', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address } = await start()
  const told = new Told(t, source(address))
  await told.synced()
  const observer = uplink(address)
  await observer.event(connected)
  const everybody = count({ source: null, attempts: 5, denied: 0, limited: 5, passed: 0, shadowed: 0 })
  observer.uplink.restricted([everybody, count(), count({ source: 'fd00::9', port: null, unit: 'requests' })])
  await told.until((told) => restrictionsOf(told).length === 3)
  t.same(restrictionsOf(told), [{ podUid: POD.uid, ...count() }, { podUid: POD.uid, ...count({ source: 'fd00::9', port: null, unit: 'requests' }) }, { podUid: POD.uid, ...everybody }])
})

t.test('counts wait for somebody who follows, as scores do', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address } = await start({ limits: { holdMs: 60_000 } })
  const observer = uplink(address)
  await observer.event(connected)
  observer.uplink.restricted([count()])
  observer.uplink.push([syntheticWindow({ key: { kind: 'pair', source: '10.0.0.9', destination: POD_ADDRESS }, number: recent(1) })], new Map())
  const told = new Told(t, source(address))
  await told.until((told) => restrictionsOf(told).length === 1)
  t.equal(restrictionsOf(told)[0]?.attempts, 5)
})

t.test('counts that are not of the reporter\'s own proxy, or make no sense, are refused', async (t) => {
  const { start, credentials } = await stage(t)
  const { address } = await start()
  const say = (change: Parameters<typeof count>[0], identity = POD): RawObserver => {
    const observer = new RawObserver(t, address, credentials(identity))
    observer.hello(identity === POD ? {} : { identity: 'spiffe://autoshield.test/ns/replay/pod/replay', ownAddresses: [] })
    observer.say({ case: 'batch', value: { sequence: 1n, restrictions: [encodeRestrictionCount(count(change))] } })
    return observer
  }
  t.match(await say({ source: '10.0.0.7', destination: '10.0.0.8' }).ended, /^PERMISSION_DENIED: a restriction count has none of the reporter's own addresses/)
  t.match(await say({ source: null, destination: '10.0.0.8', denied: 0, limited: 5, passed: 0, shadowed: 0 }).ended, /^PERMISSION_DENIED: a restriction count has none of the reporter's own addresses/)
  t.match(await say({ source: null }).ended, /^INVALID_ARGUMENT: a restriction count without a source tells of more than new connections that a limit stopped/)
  t.match(await say({}, REPLAY).ended, /^PERMISSION_DENIED: a replay has no proxy/)
  t.match(await say({ passed: 7 }).ended, /^INVALID_ARGUMENT: a restriction count of 5 attempts does not add up/)
  t.match(await say({ port: 70_000 }).ended, /^INVALID_ARGUMENT: a restriction count names the port 70000/)
  t.match(await say({ atMs: recent(-63_072_000) * 500 }).ended, /^INVALID_ARGUMENT: a restriction count is of .* ahead; set the node's clock/)
})

t.test('an observer tells many counts as slowly as the detector takes them', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address, detector } = await start({ limits: { maxWindowsPerSecond: 400 } })
  const told = new Told(t, source(address))
  await told.synced()
  const observer = uplink(address)
  await observer.event(connected)
  const counts = Array.from({ length: 4_096 }, (_, index) => count({ port: 1 + index }))
  observer.uplink.restricted(counts)
  await told.until((told) => restrictionsOf(told).length === counts.length)
  t.same(observer.events, [{ type: 'connected' }], 'it was not refused')
  t.equal(detector.stats().refused['TooMuch'] ?? 0, 0)
})

t.test('streams are not read while too many counts wait, and none is lost', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address } = await start({ limits: { maxQueuedWindows: 10, holdMs: 60_000 } })
  const observer = uplink(address)
  await observer.event(connected)
  for (let port = 1; port <= 2_000; port++) observer.uplink.restricted([count({ port })])
  const told = new Told(t, source(address))
  await told.until((told) => restrictionsOf(told).length === 2_000)
  t.equal(restrictionsOf(told)[1_999]?.port, 2_000)
})
