import t from 'tap'
import { sightingsOf } from '../../../src/core/history/sighting.ts'
import { syntheticWindow } from '../tensor/synthetic-window.ts'

const PAIR = { kind: 'pair', source: '10.0.0.1', destination: '10.0.0.2' } as const
const use = { protocol: 6, port: 443, begun: 2, carried: 1, failed: 0, bytesSent: 10, bytesReceived: 20 }

t.test('only the longest window of a pair tells of flows, so that nothing is told twice', (t) => {
  const windows = [
    { ...syntheticWindow({ key: PAIR, stepMs: 60_000, number: 7 }), uses: [use, { ...use, port: 80 }] },
    syntheticWindow({ key: PAIR, stepMs: 15_000, number: 28 }),
    syntheticWindow({ key: { kind: 'fan-out', source: '10.0.0.1' }, stepMs: 60_000, number: 7 }),
  ]
  t.strictSame(sightingsOf(windows, 'uid-2', () => 'destination'), [use, { ...use, port: 80 }].map((use) => ({
    minute: 7, source: '10.0.0.1', destination: '10.0.0.2', witness: 'destination', pod: 'uid-2', use,
  })))
  t.end()
})

t.test('of an older observer one port is exact, and several share by their packets', (t) => {
  const features = { flow_count: 4, syn_count: 3, failed_conn_ratio: 0.25, bytes_sent: 400, bytes_received: 800 }
  const older = (ports: { port: number, packets: number }[], counters: Record<string, number>) =>
    sightingsOf([{ ...syntheticWindow({ key: PAIR, stepMs: 60_000, number: 7, features, counters }), ports }], 'uid-2', () => 'source').map(({ use }) => use)
  t.strictSame(older([{ port: 443, packets: 40 }], { tcp_packets: 40 }), [{ protocol: 6, port: 443, begun: 3, carried: 1, failed: 1, bytesSent: 400, bytesReceived: 800 }])
  t.strictSame(older([{ port: 53, packets: 30 }, { port: 54, packets: 10 }], { udp_packets: 40 }), [
    { protocol: 17, port: 53, begun: 3, carried: 0, failed: 1, bytesSent: 300, bytesReceived: 600 },
    { protocol: 17, port: 54, begun: 1, carried: 0, failed: 0, bytesSent: 100, bytesReceived: 200 },
  ])
  t.match(older([], { icmp_packets: 4 }), [{ protocol: 1, port: 0, begun: 4 }])
  t.end()
})
