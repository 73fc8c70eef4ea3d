import t from 'tap'
import { MAX_NAMED_USES, PortUses } from '../../../src/core/window/port-uses.ts'
import type { PortUse } from '../../../src/core/window/window.ts'
import { icmp, tcp, udp } from '../flow/packet-builder.ts'
import { observe, type Timed } from './observe.ts'

const PAIR = '10.0.0.1>10.0.0.2'
const up = (at: number, port: number, flags: string, payload = 0, from = 40_000): Timed => ({ at, packet: tcp({ from: `10.0.0.1:${from}`, to: `10.0.0.2:${port}`, flags, payload }) })
const down = (at: number, port: number, flags: string, payload = 0, from = 40_000): Timed => ({ at, packet: tcp({ from: `10.0.0.2:${port}`, to: `10.0.0.1:${from}`, flags, payload }) })
const use = (change: Partial<PortUse>): PortUse => ({ protocol: 6, port: 443, begun: 0, carried: 0, failed: 0, bytesSent: 0, bytesReceived: 0, ...change })

t.test('each port of a pair is told apart, by protocol', (t) => {
  const seen = observe([
    up(0, 443, 'S'), down(1, 443, 'SA'), up(2, 443, 'A'), up(3, 443, 'PA', 100), down(4, 443, 'PA', 700),
    up(10, 443, 'S', 0, 40_001), down(11, 443, 'SA', 0, 40_001), up(12, 443, 'A', 0, 40_001), up(13, 443, 'PA', 5, 40_001), down(14, 443, 'PA', 6, 40_001),
    up(20, 22, 'S'), down(21, 22, 'RA'),
    { at: 30, packet: udp({ from: '10.0.0.1:50000', to: '10.0.0.2:53', payload: 20 }) },
    { at: 31, packet: udp({ from: '10.0.0.2:53', to: '10.0.0.1:50000', payload: 60 }) },
    { at: 40, packet: icmp({ from: '10.0.0.1', to: '10.0.0.2', type: 8 }) },
  ])
  t.strictSame(seen.window(PAIR, 60_000).uses, [
    use({ protocol: 1, port: 0, begun: 1 }),
    use({ port: 22, begun: 1, failed: 1 }),
    use({ begun: 2, bytesSent: 105, bytesReceived: 706 }),
    use({ protocol: 17, port: 53, begun: 1, bytesSent: 20, bytesReceived: 60 }),
  ])
  t.equal(seen.window(PAIR, 500).uses, undefined, 'only the longest window tells')
  t.equal(seen.window('10.0.0.1>*', 60_000).uses, undefined, 'of a pair alone')
  t.end()
})

t.test('a connection begins once, and is carried into each further minute in which it says something', (t) => {
  const seen = observe([up(0, 443, 'S'), down(1, 443, 'SA'), up(2, 443, 'A'), up(3, 443, 'PA', 10), up(30_000, 443, 'PA', 10), up(59_990, 443, 'PA', 1), up(60_010, 443, 'PA', 2), up(130_000, 443, 'PA', 3)])
  t.strictSame(seen.of(PAIR, 60_000).map(({ uses }) => uses), [
    [use({ begun: 1, bytesSent: 21 })], [use({ carried: 1, bytesSent: 2 })], [use({ carried: 1, bytesSent: 3 })],
  ])
  t.end()
})

t.test('a scan of a thousand ports keeps the names of those with a conversation, and counts the others together', (t) => {
  const uses = new PortUses()
  uses.add(1, 7, 6, 8080, { begun: 1, bytesSent: 10 })
  for (let port = 1; port <= 1_000; port++) uses.add(1, 7, 6, port, { begun: 1, failed: 1 })
  uses.add(1, 7, 6, 9090, { begun: 2, bytesReceived: 10 })
  const told = uses.take(1).get(7) ?? []
  const named = told.filter(({ port }) => port !== 0)
  t.equal(named.length, MAX_NAMED_USES)
  t.match(named.filter(({ port }) => port === 8080 || port === 9090), [{ begun: 1, bytesSent: 10 }, { begun: 2, bytesReceived: 10 }])
  t.equal(told.reduce((sum, { begun }) => sum + begun, 0), 1_003, 'nothing is lost')
  t.equal(told.reduce((sum, { failed }) => sum + failed, 0), 1_000)
  t.equal(uses.take(1).size, 0, 'and a window is told once')
  t.end()
})

t.test('a port that comes where all names have a conversation counts among the others', (t) => {
  const uses = new PortUses()
  for (let port = 1; port <= MAX_NAMED_USES + 3; port++) uses.add(1, 7, 6, port, { begun: 1, bytesSent: port })
  const told = uses.take(1).get(7) ?? []
  t.strictSame(told[0], use({ port: 0, begun: 3, bytesSent: 17 + 18 + 19 }))
  t.equal(told.length, MAX_NAMED_USES + 1)
  t.end()
})

t.test('windows that are open at one time do not mix, and those before a window that is taken are forgotten', (t) => {
  const uses = new PortUses()
  uses.add(1, 7, 6, 80, { begun: 1 })
  uses.add(2, 7, 6, 80, { begun: 2 })
  uses.add(3, 7, 6, 80, { begun: 3 })
  t.match(uses.take(2).get(7), [{ begun: 2 }])
  t.equal(uses.take(1).size, 0)
  t.match(uses.take(3).get(7), [{ begun: 3 }])
  t.end()
})
