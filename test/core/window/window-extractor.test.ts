import t from 'tap'
import { WindowExtractor } from '../../../src/core/window/window-extractor.ts'
import { windowToJson } from '../../../src/core/window/window-json.ts'
import { QUALITY } from '../../../src/core/window/window.ts'
import { cooked, ethernet, icmp, ip, tcp, udp } from '../flow/packet-builder.ts'
import { BEGIN_MS, chunkOf, counter, feature, nonZero, observe, type Timed } from './observe.ts'

const CLIENT = '10.0.0.1:40000'
const SERVER = '10.0.0.2:443'
const PAIR = '10.0.0.1>10.0.0.2'
const up = (at: number, flags: string, payload = 0): Timed => ({ at, packet: tcp({ from: CLIENT, to: SERVER, flags, payload, mss: flags === 'S' ? 1460 : 0 }) })
const down = (at: number, flags: string, payload = 0): Timed => ({ at, packet: tcp({ from: SERVER, to: CLIENT, flags, payload, mss: flags === 'SA' ? 1460 : 0 }) })
const ask = (at: number, to = '10.0.0.2:53', from = '10.0.0.1:40000'): Timed => ({ at, packet: udp({ from, to, payload: 20 }) })
const request = [up(0, 'S'), down(10, 'SA'), up(20, 'A'), up(30, 'PA', 100), down(40, 'A'), down(60, 'PA', 700), up(70, 'A'), up(80, 'FA'), down(90, 'FA'), up(100, 'A')]

t.test('the twelve features of one web request, in all three keys', (t) => {
  const seen = observe(request)
  const sameInAll = {
    flow_count: 1,
    bytes_sent: 100,
    bytes_received: 700,
    syn_count: 1,
    ack_count: 9,
    fin_count: 2,
    duration_s: 0.1,
    iat_mean_ms: 30,
    unique_ports: 1,
    packets_sent: 6,
    packets_received: 4,
    tcp_packets: 10,
  }
  for (const key of [PAIR, '10.0.0.1>*', '*>10.0.0.2']) {
    for (const stepMs of [500, 15_000, 60_000] as const) t.strictSame(nonZero(seen.window(key, stepMs)), sameInAll, `${key} at ${stepMs} ms`)
  }
  t.equal(seen.windows.length, 9, 'and nothing else')
  t.strictSame(seen.window(PAIR, 500).ports, [{ port: 443, packets: 10 }])
  t.end()
})

t.test('gaps count the source\'s packets with payload or SYN alone, also over window borders', (t) => {
  const seen = observe([up(0, 'S'), down(1, 'SA'), up(2, 'A'), up(100, 'PA', 5), up(400, 'PA', 5), up(700, 'PA', 5), down(800, 'PA', 9), up(801, 'A')])
  t.equal(feature(seen.window(PAIR, 500), 'iat_mean_ms'), 200)
  t.equal(feature(seen.window(PAIR, 500), 'iat_std_ms'), 100)
  t.equal(feature(seen.window(PAIR, 500, 1), 'iat_mean_ms'), 0, 'one packet has no gap')
  t.equal(feature(seen.window(PAIR, 15_000), 'iat_mean_ms'), 700 / 3)
  t.equal(feature(seen.window(PAIR, 15_000), 'iat_std_ms').toFixed(6), Math.sqrt((100 ** 2 + 300 ** 2 + 300 ** 2) / 3 - (700 / 3) ** 2).toFixed(6))
  t.end()
})

t.test('a flow counts once in each longer window, with its age at its last packet there', (t) => {
  const answer = (at: number): Timed => ask(at, '10.0.0.1:40000', '10.0.0.2:53')
  const seen = observe([ask(0), answer(1), ask(100, '10.0.0.2:54'), answer(600), ask(14_000), ask(16_000)])
  t.strictSame(seen.of(PAIR, 500).map((window) => feature(window, 'flow_count')), [2, 1, 0, 1, 1], 'the empty one is that in which the second flow went unanswered')
  t.equal(feature(seen.window(PAIR, 15_000), 'flow_count'), 2)
  t.equal(feature(seen.window(PAIR, 15_000), 'duration_s'), (14 + 0) / 2)
  t.equal(feature(seen.window(PAIR, 15_000, 1), 'duration_s'), 16)
  t.equal(feature(seen.window(PAIR, 60_000), 'flow_count'), 2)
  t.equal(feature(seen.window(PAIR, 60_000), 'duration_s'), 8)
  t.end()
})

t.test('an attempt that fails in a silent window makes a window', (t) => {
  const seen = observe([up(0, 'S'), ask(5_000, '10.0.0.9:53')])
  t.strictSame(nonZero(seen.window(PAIR, 500, 2)), { failed_conn_ratio: 1, unanswered: 1 })
  t.equal(seen.window(PAIR, 500, 2).firstPacketMs, BEGIN_MS + 1_000)
  t.equal(feature(seen.window('*>10.0.0.2', 15_000), 'failed_conn_ratio'), 1)
  t.end()
})

t.test('distinct ports, addresses and sources', (t) => {
  const scan = Array.from({ length: 300 }, (_, at) => ({ at, packet: tcp({ from: '10.0.0.1:40000', to: `10.0.0.${2 + at % 3}:${1 + at}`, flags: 'S' }) }))
  const seen = observe(scan)
  const near = (count: number, truth: number): boolean => Math.abs(count - truth) <= truth / 10
  t.ok(near(feature(seen.window(PAIR, 500), 'unique_ports'), 100))
  t.ok(near(feature(seen.window('10.0.0.1>*', 500), 'unique_ports'), 300), '(address, port) for a fan-out')
  t.equal(feature(seen.window('*>10.0.0.2', 500), 'unique_ports'), 1, 'sources for a fan-in')
  t.equal(seen.window('10.0.0.1>10.0.0.2', 500).ports.length, 8, 'ports are named up to a bound')
  t.strictSame(seen.window('10.0.0.1>10.0.0.2', 500).ports[0]?.packets, 1, 'and no port of a scan looks busy')
  t.end()
})

t.test('an offload frame counts as the segments that it stands for', (t) => {
  const seen = observe([up(0, 'S'), down(1, 'SA'), up(2, 'A'), up(3, 'PA', 14_600), down(4, 'A'), down(5, 'FPA', 65_000)])
  const window = seen.window(PAIR, 500)
  t.equal(feature(window, 'ack_count'), 1 + 1 + 10 + 1 + 45)
  t.equal(feature(window, 'fin_count'), 1, 'its FIN is on the last alone')
  t.equal(counter(window, 'packets_sent'), 2 + 10)
  t.equal(feature(window, 'bytes_received'), 65_000)
  t.end()
})

t.test('an observer reports what concerns its own pod, and counts what leaves under a false address', (t) => {
  const packets = [
    ask(0, '10.0.0.2:53', '10.0.0.1:4000'), // ours to another
    ask(1, '10.0.0.1:53', '10.0.0.3:4000'), // another to us
    ask(2, '10.0.0.5:53', '10.0.0.4:4000'), // leaves us under another's address
    ask(3, '224.0.0.251:5353', '10.0.0.4:5353'), // others' multicast
    ask(4, '255.255.255.255:67', '0.0.0.0:68'), // ours, before it has an address
  ]
  const seen = observe(packets, { ownAddresses: ['10.0.0.1'] })
  t.strictSame(seen.windows.filter(({ stepMs }) => stepMs === 500).map(({ key }) => Object.values(key).join(' ')).sort(), [
    'fan-in 10.0.0.1', 'fan-out 10.0.0.1', 'pair 10.0.0.1 10.0.0.2', 'pair 10.0.0.3 10.0.0.1',
  ])
  t.match(seen.stats, { packets: 5, counted: 2, forgedSent: 1, foreign: 2 })
  const outgoing = { linkType: 113, at: 0, packet: cooked(udp({ from: '10.0.0.4:1', to: '10.0.0.5:2' }), 4) }
  const incoming = { ...outgoing, packet: cooked(udp({ from: '10.0.0.4:1', to: '10.0.0.5:2' }), 0) }
  t.match(observe([outgoing, incoming], { ownAddresses: ['10.0.0.1'] }).stats, { forgedSent: 1, foreign: 1 }, 'where the direction is known, it decides')
  t.throws(() => new WindowExtractor({ ownAddresses: ['pod-1'] }), { code: 'BAD_DATA', message: /pod-1/ })
  t.end()
})

t.test('forged sources beyond a bound count in the victim\'s fan-in alone', (t) => {
  const flood = Array.from({ length: 1_000 }, (_, at) => ({ at: at / 10, packet: tcp({ from: `172.16.${at >> 8}.${at & 255}:1000`, to: '10.0.0.2:80', flags: 'S' }) }))
  const real = [up(200, 'S'), down(210, 'SA'), up(220, 'A'), up(230, 'PA', 50), down(240, 'PA', 50)]
  const seen = observe([...flood, ...real], { maxHalfOpenSources: 10, maxFlows: 4096 })
  const pairs = seen.windows.filter(({ key, stepMs }) => key.kind === 'pair' && stepMs === 500)
  t.equal(pairs.length, 11)
  t.equal(feature(seen.window('*>10.0.0.2', 500), 'flow_count'), 1_001)
  t.equal(feature(seen.window('*>10.0.0.2', 500), 'syn_count'), 1_001)
  t.match(nonZero(seen.window(PAIR, 500)), { flow_count: 1, syn_count: 1, bytes_sent: 50 }, 'a source that completes a handshake has its keys, from its SYN on')
  t.equal(seen.stats.crowdedOut, 991)
  t.end()
})

t.test('full tables are said in the quality of the window, and nothing stops', (t) => {
  const many = Array.from({ length: 500 }, (_, at) => ask(at / 10, `10.1.${at >> 8}.${at & 255}:53`))
  const seen = observe(many, { maxFlows: 64, maxKeys: 64 })
  t.match(seen.stats, { packets: 500, counted: 500, evictedFlows: 500 - 64 })
  t.ok(seen.windows.every(({ quality }) => quality === QUALITY.tablesFull))
  t.equal(feature(seen.window('10.0.0.1>*', 500), 'flow_count'), 500, 'what has a key is counted in full')
  t.end()
})

t.test('windows close by the clock of the caller, after a grace for late packets', (t) => {
  const extractor = new WindowExtractor({ ownAddresses: null, graceMs: 250 })
  t.equal(extractor.lastClosed(500), -1)
  extractor.push(chunkOf([ask(100), ask(490)]))
  t.strictSame(extractor.close(BEGIN_MS + 749), [])
  extractor.push(chunkOf([ask(495)]))
  t.match(extractor.close(BEGIN_MS + 750).map(({ key, features }) => [key.kind, features[1]]), [['pair', 60], ['fan-out', 60], ['fan-in', 60]], 'a packet within the grace is in its own window')
  t.equal(extractor.lastClosed(500), BEGIN_MS / 500)
  t.equal(extractor.lastClosed(15_000), BEGIN_MS / 15_000 - 1)
  extractor.push(chunkOf([ask(400)]))
  t.equal(extractor.stats.late, 1, 'a later one is counted')
  t.equal(extractor.close(BEGIN_MS + 15_250).filter(({ stepMs }) => stepMs === 15_000).length, 3)
  t.equal(extractor.lastClosed(15_000), BEGIN_MS / 15_000, 'silence moves on, too')
  t.equal(extractor.lastClosed(500), BEGIN_MS / 500 + 29)
  t.equal(extractor.firstSeenMs({ kind: 'pair', source: '10.0.0.1', destination: '10.0.0.2' }), BEGIN_MS + 100)
  t.equal(extractor.firstSeenMs({ kind: 'pair', source: '10.0.0.2', destination: '10.0.0.1' }), null)
  t.end()
})

t.test('a clock that is set back begins everything anew', (t) => {
  const seen = observe([ask(60_000), ask(60_100), ask(0), ask(100)])
  t.equal(seen.stats.clockSteps, 1)
  t.strictSame(seen.of(PAIR, 500).map(({ number, features }) => [number - BEGIN_MS / 500, features[0], features[1]]), [[120, 1, 40], [0, 1, 40]])
  const small = observe([ask(1_000), ask(400), ask(1_100)])
  t.match(small.stats, { clockSteps: 0, late: 1 }, 'one packet that comes late does not')
  t.equal(feature(small.window(PAIR, 15_000), 'bytes_sent'), 60, 'it is counted where there is still a window')
  t.match(observe([ask(0), ask(1e17), ask(10)]).stats, { counted: 3 }, 'a time beyond all dates is no time')
  t.end()
})

t.test('every packet is accounted for', (t) => {
  const frame = (packet: Uint8Array): Timed => ({ at: 0, packet, linkType: 1 })
  const arp = ethernet(udp({ from: '10.0.0.1:1', to: '10.0.0.2:2' }))
  arp[13] = 6
  const orphan = ip({ from: '10.0.0.1', to: '10.0.0.2', protocol: 17, payload: new Uint8Array(8), fragment: { offset: 8, more: false, id: 1 } })
  const { stats } = observe([frame(arp), frame(arp.subarray(0, 9)), frame(ethernet(orphan)), frame(ethernet(icmp({ from: '10.0.0.1', to: '10.0.0.2', type: 8 })))])
  t.match(stats, { packets: 4, counted: 1, orphanFragments: 1, malformed: 1, undecoded: { notIp: 1, cutLink: 1 } })
  t.end()
})

t.test('a window as JSON names everything', (t) => {
  const json = windowToJson(observe(request).window('10.0.0.1>*', 500))
  t.match(json, {
    kind: 'fan-out',
    source: '10.0.0.1',
    destination: null,
    stepMs: 500,
    start: '2025-10-09T08:54:00.000Z',
    firstPacket: '2025-10-09T08:54:00.000Z',
    features: { flow_count: 1, bytes_sent: 100 },
    counters: { packets_sent: 6 },
    ports: [{ port: 443, packets: 10 }],
    quality: 0,
  })
  t.end()
})
