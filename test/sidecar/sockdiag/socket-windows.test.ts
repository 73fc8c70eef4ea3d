import t from 'tap'
import { SocketWindows, type Look } from '../../../sidecar/sockdiag/socket-windows.ts'
import { COUNTERS, FEATURES, QUALITY, keyId, type CounterName, type FeatureName, type Window } from '../../../src/core/window/window.ts'
import { BEGIN_MS } from '../../core/window/observe.ts'
import { PEER, POD, socket } from './sockets.ts'

const LISTENER = socket('LISTEN 0.0.0.0:80 0.0.0.0:*')
const REQUEST = 'bytes_sent:83 bytes_acked:85 bytes_received:2152 segs_out:8 segs_in:7 data_segs_out:1 data_segs_in:3'

function windows (options: Partial<ConstructorParameters<typeof SocketWindows>[0]> = {}) {
  const made = new SocketWindows({ ownAddresses: [POD], ...options })
  let steps = 0
  const look = (more: Partial<Look> = {}): Window[] => {
    const atMs = BEGIN_MS + ++steps * 500
    return made.take({ atMs, ended: [], sockets: [], hasTimeWait: true, counters: new Map(), ...more }, atMs)
  }
  look()
  return { made, look, nowMs: () => BEGIN_MS + (steps + 1) * 500 }
}

const of = (all: readonly Window[], key: string): Window | undefined => all.find((window) => keyId(window.key) === key && window.stepMs === 500)
const feature = (window: Window | undefined, name: FeatureName): number | undefined => window?.features[FEATURES.indexOf(name)]
const counter = (window: Window | undefined, name: CounterName): number | undefined => window?.counters[COUNTERS.indexOf(name)]

t.test('a connection that lived between two looks is in the windows of both its keys', async (t) => {
  const { look, nowMs } = windows()
  const ended = [{ socket: socket(`UNCONN ${POD}:40000 ${PEER}:80 sk:1 ${REQUEST}`), atMs: nowMs() - 200 }]
  const all = look({ ended })
  t.same(all.map(({ key }) => keyId(key)).sort(), [`${POD}>*`, `${POD}>${PEER}`])
  const pair = of(all, `${POD}>${PEER}`)
  const expected = { flow_count: 1, bytes_sent: 83, bytes_received: 2151, syn_count: 1, ack_count: 14, fin_count: 2, rst_count: 0, failed_conn_ratio: 0, unique_ports: 1 } as const
  for (const [name, value] of Object.entries(expected)) t.equal(feature(pair, name as FeatureName), value, name)
  t.match(pair, { quality: QUALITY.iatEstimated | QUALITY.flagsMissing, ports: [{ port: 80, packets: 15 }], firstPacketMs: nowMs() - 700 })
})

t.test('whose local port is listened on is called, and its peer is the source', async (t) => {
  const { look } = windows()
  const all = look({ sockets: [LISTENER, socket(`ESTAB ${POD}:80 ${PEER}:40000 sk:1 segs_in:2 segs_out:1`), socket(`ESTAB ${POD}:50000 ${PEER}:80 sk:2 bytes_acked:1 segs_in:1 segs_out:2`)] })
  t.same(all.map(({ key }) => keyId(key)).sort(), [`*>${POD}`, `${POD}>*`, `${POD}>${PEER}`, `${PEER}>${POD}`])
})

t.test('a connection of the pod that its proxy has taken is the proxy\'s own to where it was meant, once', async (t) => {
  const [taken, proxysEnd] = [socket(`ESTAB ${POD}:40000 ${PEER}:80 sk:1 bytes_acked:84 bytes_sent:83 segs_out:3 segs_in:2`), socket(`ESTAB 127.0.0.1:15001 ${POD}:40000 sk:2 bytes_received:83 segs_in:3 segs_out:2`)]
  const onward = socket(`ESTAB ${POD}:50000 ${PEER}:80 sk:3 bytes_acked:84 bytes_sent:83 segs_out:3 segs_in:2`)
  const direct = socket(`ESTAB ${POD}:40001 ${PEER}:80 sk:4 bytes_acked:1 segs_out:2 segs_in:1`)
  const { look, nowMs } = windows({ outboundPort: 15_001 })
  const first = of(look({ sockets: [taken, proxysEnd, onward, direct] }), `${POD}>${PEER}`)
  t.same([feature(first, 'flow_count'), feature(first, 'bytes_sent')], [2, 83], 'what was not redirected counts, too')
  const gone = (of: typeof taken) => ({ socket: { ...of, state: 'UNCONN' }, atMs: nowMs() - 100 })
  look({ ended: [gone(proxysEnd)], sockets: [taken, onward, direct] })
  const last = look({ ended: [gone(taken)], sockets: [onward, direct] })
  t.equal(feature(of(last, `${POD}>${PEER}`), 'fin_count') ?? 0, 0, 'its end is heard after that of the proxy\'s')
  const without = windows()
  t.equal(feature(of(without.look({ sockets: [taken, proxysEnd, onward, direct] }), `${POD}>${PEER}`), 'flow_count'), 3, 'without a redirect all are the pod\'s')
})

t.test('what a connection counts more is in the window in which it does, and it is one flow in the longer ones', async (t) => {
  const { look } = windows()
  const alive = (bytes: number) => socket(`ESTAB ${POD}:40000 ${PEER}:80 sk:1 bytes_acked:1 bytes_sent:${bytes} segs_out:${bytes / 100} segs_in:1`)
  const steps = [200, 700, 700, 900].map((bytes) => look({ sockets: [alive(bytes)] }))
  t.same(steps.map((all) => feature(of(all, `${POD}>${PEER}`), 'bytes_sent')), [200, 500, 0, 200], 'in the third it is decided that it succeeded')
  const rest = Array.from({ length: 26 }, () => look({ sockets: [alive(900)] })).flat()
  const middle = rest.find(({ stepMs, key }) => stepMs === 15_000 && keyId(key) === `${POD}>${PEER}`)
  t.equal(feature(middle, 'flow_count'), 1)
  t.equal(feature(middle, 'bytes_sent'), 900)
})

t.test('what was there before the first look neither begins, nor counts what it had counted', async (t) => {
  const made = new SocketWindows({ ownAddresses: [POD] })
  const take = (bytes: number, atMs: number) => made.take({ atMs, ended: [], sockets: [socket(`ESTAB ${POD}:40000 ${PEER}:80 sk:1 bytes_acked:1 bytes_sent:${bytes} segs_out:${bytes} segs_in:1`)], hasTimeWait: true, counters: new Map() }, atMs)
  t.same(take(1_000, BEGIN_MS), [])
  const pair = of(take(1_005, BEGIN_MS + 500), `${POD}>${PEER}`)
  t.equal(feature(pair, 'bytes_sent'), 5)
  t.equal(feature(pair, 'syn_count'), 0)
})

t.test('four hundred refused attempts are four hundred failed flows, with the gaps between them', async (t) => {
  const { look, nowMs } = windows()
  const from = nowMs() - 500
  const all = look({ ended: Array.from({ length: 400 }, (_, at) => ({ socket: socket(`UNCONN ${POD}:${30_000 + at} ${PEER}:${at + 1} sk:${at} segs_out:1 segs_in:1`), atMs: from + at })) })
  const pair = of(all, `${POD}>${PEER}`)
  t.equal(feature(pair, 'flow_count'), 400)
  t.equal(feature(pair, 'unique_ports'), 400)
  t.equal(feature(pair, 'failed_conn_ratio'), 1)
  t.equal(feature(pair, 'iat_mean_ms'), 1)
  t.equal(feature(pair, 'iat_std_ms'), 0)
})

t.test('half-open requests count once, after a second', async (t) => {
  const { look } = windows()
  const waiting = (left: number) => ({ sockets: [LISTENER, socket(`SYN-RECV ${POD}:80 ${PEER}:40000 sk:1 timer:(on,${left}ms,0)`)] })
  const counted = [waiting(800), waiting(300), waiting(700), waiting(200)].map((sockets) => counter(of(look(sockets), `*>${POD}`), 'half_open') ?? 0)
  t.equal(counted.reduce((sum, each) => sum + each, 0), 1)
})

t.test('what left no socket counts in the pod\'s fan-in alone', async (t) => {
  const { look } = windows()
  const counters = (resets: number, cookies: number) => new Map([['Tcp.OutRsts', resets], ['TcpExt.SyncookiesSent', cookies], ['TcpExt.SyncookiesRecv', 0], ['TcpExt.TCPReqQFullDrop', 0]])
  look({ counters: counters(5, 0) })
  const all = look({ counters: counters(25, 300) })
  t.same(all.map(({ key }) => keyId(key)), [`*>${POD}`])
  const fanIn = of(all, `*>${POD}`)
  t.equal(feature(fanIn, 'rst_count'), 20)
  t.equal(feature(fanIn, 'syn_count'), 300)
  t.equal(counter(fanIn, 'half_open'), 300)
})

t.test('resets of known connections are not counted again as strays', async (t) => {
  const { look, nowMs } = windows()
  look({ counters: new Map([['Tcp.OutRsts', 5]]) })
  const ended = [{ socket: socket(`UNCONN ${POD}:40000 ${PEER}:80 sk:1 bytes_acked:1 segs_out:3 segs_in:2`), atMs: nowMs() - 5 }]
  t.equal(of(look({ ended, counters: new Map([['Tcp.OutRsts', 6]]) }), `*>${POD}`), undefined)
})

t.test('the observer\'s own sockets, and those within the pod, belong to no window', async (t) => {
  const { look } = windows({ ignores: ({ peer }) => peer.port === 8443 })
  const sockets = [`${POD}:1 ${PEER}:8443`, '127.0.0.1:1 127.0.0.1:2', `${POD}:1 ${POD}:2`].map((ends) => socket(`ESTAB ${ends} sk:1 segs_in:9 segs_out:9 bytes_acked:1`))
  t.same(look({ sockets }), [])
})

t.test('what the kernel keeps for its ports alone is no new connection', async (t) => {
  const { look, nowMs } = windows()
  const sockets = [socket(`FIN-WAIT-2 ${POD}:40000 ${PEER}:80 sk:9 timer:(timewait,59sec,0)`), socket(`TIME-WAIT ${POD}:40001 ${PEER}:80 sk:8`)]
  look({ sockets, ended: [{ socket: socket(`UNCONN ${POD}:40000 ${PEER}:80 sk:1 ${REQUEST}`), atMs: nowMs() - 5 }] })
  t.same(look({ sockets }), [])
})

t.test('a connected UDP socket is a flow whose bytes nobody knows', async (t) => {
  const { look, nowMs } = windows()
  const all = look({ ended: [{ socket: socket(`ESTAB ${POD}:40000 ${PEER}:53 sk:1`, 'udp'), atMs: nowMs() - 5 }] })
  t.match(of(all, `${POD}>${PEER}`), { quality: QUALITY.iatEstimated | QUALITY.flagsMissing | QUALITY.bytesEstimated })
  t.equal(feature(of(all, `${POD}>${PEER}`), 'flow_count'), 1)
})

t.test('more connections than there is room for are counted, and the windows say so', async (t) => {
  const { made, look } = windows({ maxConnections: 2 })
  const sockets = [1, 2, 3, 4].map((at) => socket(`ESTAB ${POD}:${40_000 + at} ${PEER}:80 sk:${at} segs_in:1 segs_out:2 bytes_acked:1`))
  const all = look({ sockets })
  t.match(made.stats, { live: 2, refused: 2 })
  t.ok(all.every(({ quality }) => (quality & QUALITY.tablesFull) !== 0))
  look()
  look()
  t.match(made.stats, { live: 0 }, 'what no look meets any more gives its room back')
})

t.test('ports that another socket took are a new flow', async (t) => {
  const { made, look } = windows()
  for (const cookie of ['a', 'b']) look({ sockets: [socket(`ESTAB ${POD}:40000 ${PEER}:80 sk:${cookie} segs_in:1 segs_out:2 bytes_acked:1`)] })
  t.match(made.stats, { flows: 2, live: 1 })
})

t.test('a clock that was set closes what is open and goes on', async (t) => {
  const made = new SocketWindows({ ownAddresses: [POD] })
  const at = (atMs: number) => made.take({ atMs, ended: [], sockets: [socket(`ESTAB ${POD}:${atMs % 50_000} ${PEER}:80 sk:${atMs} segs_in:1 segs_out:2 bytes_acked:1`)], hasTimeWait: true, counters: new Map() }, atMs)
  at(BEGIN_MS)
  at(BEGIN_MS + 500)
  t.ok(at(BEGIN_MS - 3_600_000).some(({ stepMs }) => stepMs === 60_000))
  t.equal(made.lastClosed(500), (BEGIN_MS - 3_600_000) / 500 - 1)
})
