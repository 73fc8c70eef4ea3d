import t from 'tap'
import { LogWindows } from '../../../sidecar/als/log-windows.ts'
import type { ProxyEntry } from '../../../sidecar/als/proxy-entry.ts'
import { FEATURES, QUALITY, keyId, type FeatureName, type Window } from '../../../src/core/window/window.ts'
import { entry, T0 } from './entries.ts'

/** The window of a key that closes at `untilMs`, by feature, after each list of entries was looked at in a step of its own. */
function seen (looks: readonly (readonly ProxyEntry[])[], key = '10.0.0.9>10.0.0.1') {
  const windows = new LogWindows({ ownAddresses: ['10.0.0.1'] })
  windows.take([], T0) // the first look knows nothing of what was before
  const closed = looks.flatMap((entries, step) => windows.take(entries, T0 + (step + 1) * 500))
  const ours = closed.filter((window: Window) => window.stepMs === 500 && keyId(window.key) === key)
  const of = (window: Window | undefined, name: FeatureName): number => window?.features[FEATURES.indexOf(name)] ?? 0
  return { windows, ours, at: (index: number, name: FeatureName) => of(ours[index], name) }
}

t.test('a connection is one flow with the bytes that the proxy counted', (t) => {
  const { at, ours } = seen([[entry({ kind: 'begun' }), entry({ sentBytes: 100, receivedBytes: 5_000 })]])
  for (const [name, value] of [['flow_count', 1], ['bytes_sent', 100], ['bytes_received', 5_000], ['syn_count', 1], ['fin_count', 2], ['failed_conn_ratio', 0], ['unique_ports', 1]] as const) t.equal(at(0, name), value, name)
  t.equal(at(0, 'duration_s'), 0.02)
  t.equal(ours[0]?.quality, QUALITY.iatEstimated | QUALITY.flagsMissing | QUALITY.packetsEstimated)
  t.end()
})

t.test('a connection that stays open counts its growth, each byte once', (t) => {
  const { ours, at } = seen([
    [entry({ kind: 'begun' })], [entry({ kind: 'going', sentBytes: 100, receivedBytes: 10 })], [entry({ kind: 'going', sentBytes: 100, receivedBytes: 10 })],
    [entry({ sentBytes: 250, receivedBytes: 10, endMs: T0 + 1_900 })],
  ])
  t.same([0, 1, 2].map((index) => at(index, 'bytes_sent')), [0, 100, 150])
  t.equal(ours.length, 3, 'a step without traffic has no window')
  t.end()
})

t.test('requests add up on their connection, in whatever order the loggers\' streams come', (t) => {
  const request = (change: object) => entry({ kind: 'request', sentBytes: 50, receivedBytes: 500, ...change })
  const end = entry({ sentBytes: 110, receivedBytes: 1_100 })
  t.equal(seen([[request({ stream: 'a' }), request({ stream: 'b', startMs: T0 + 5 }), end]]).at(0, 'bytes_sent'), 110)
  const late = seen([[end], [request({ stream: 'a' })]])
  t.equal(late.at(0, 'bytes_received'), 1_100)
  t.equal(late.windows.stats.flows, 1, 'one that comes after the end makes no new connection')
  const long = seen([[request({ kind: 'requesting', stream: 'a' })], [request({ kind: 'requesting', stream: 'a', sentBytes: 70 })], [request({ stream: 'a', sentBytes: 80 })]])
  t.same([0, 1, 2].map((index) => long.at(index, 'bytes_sent')), [50, 20, 10])
  t.end()
})

t.test('attempts are decided as the table says', (t) => {
  const table: [string, ProxyEntry, number][] = [
    ['nothing listens there', entry({ fate: 'failed' }), 1],
    ['denied', entry({ fate: 'denied' }), 1],
    ['limited', entry({ fate: 'limited' }), 1],
    ['broken off by the application, without a byte', entry({ brokenBy: 'responder' }), 1],
    ['broken off by the initiator', entry({ brokenBy: 'initiator' }), 0],
    ['over soon, without a byte back', entry({ sentBytes: 10 }), 0],
    ['answered, then broken off', entry({ receivedBytes: 1, brokenBy: 'responder' }), 0],
  ]
  for (const [name, each, ratio] of table) t.equal(seen([[each]]).at(0, 'failed_conn_ratio'), ratio, name)
  t.end()
})

t.test('a scan is told by its ports, its failures and the gaps between beginnings', (t) => {
  const { at } = seen([Array.from({ length: 20 }, (_, index) => entry({ fate: 'failed', fromPort: 40_000 + index, toPort: 1 + index, cookie: String(index), startMs: T0 + index * 10 }))])
  t.equal(at(0, 'unique_ports'), 20)
  t.equal(at(0, 'failed_conn_ratio'), 1)
  t.equal(at(0, 'iat_mean_ms'), 10)
  t.end()
})

t.test('what the pod opens itself counts for its fan-out, what concerns others not at all', (t) => {
  const out = seen([[entry({ from: '10.0.0.1', to: '10.0.0.5' })]], '10.0.0.1>*')
  t.equal(out.at(0, 'flow_count'), 1)
  const foreign = seen([[entry({ from: '10.0.0.7', to: '10.0.0.5' })]])
  t.equal(foreign.ours.length, 0)
  t.end()
})

t.test('what was there before the first look neither begins, nor counts what it had counted', (t) => {
  const windows = new LogWindows({ ownAddresses: ['10.0.0.1'] })
  const old = { startMs: T0 - 60_000 }
  const first = windows.take([entry({ ...old, kind: 'going', sentBytes: 1e6 })], T0)
  t.equal(first.filter(({ stepMs }) => stepMs === 500).reduce((sum, { features }) => sum + (features[1] ?? 0), 0), 0)
  const next = windows.take([entry({ ...old, kind: 'going', sentBytes: 1e6 + 7 })], T0 + 500)
  t.equal(next.find(({ key, stepMs }) => stepMs === 500 && key.kind === 'pair')?.features[1], 7)
  t.end()
})

t.test('connections are bounded, and the windows say so', (t) => {
  const windows = new LogWindows({ ownAddresses: ['10.0.0.1'], maxConnections: 2 })
  windows.take([], T0)
  const closed = windows.take([1, 2, 3].map((port) => entry({ kind: 'begun', fromPort: port, cookie: String(port) })), T0 + 500)
  t.equal(windows.stats.refused, 1)
  t.ok(closed.every(({ quality }) => (quality & QUALITY.tablesFull) !== 0))
  t.end()
})

t.test('a clock that is set back stops nothing', (t) => {
  const windows = new LogWindows({ ownAddresses: ['10.0.0.1'] })
  windows.take([], T0)
  windows.take([entry({ startMs: T0 + 10 })], T0 + 500)
  const early = T0 - 3_600_000
  const flows = (closed: readonly Window[]) => closed.filter(({ key, stepMs }) => stepMs === 500 && key.kind === 'pair').map(({ features }) => features[0])
  t.same(flows(windows.take([entry({ startMs: early + 10, cookie: '2', fromPort: 40_001 })], early + 500)), [1], 'what begins then is new')
  for (let look = 2; look < 10; look++) windows.take([], early + look * 500)
  t.same(flows(windows.take([entry({ startMs: T0 + 10 })], early + 5_000)), [1], 'an end is forgotten by then, and may be heard again')
  t.end()
})
