import t from 'tap'
import { follow, type At } from './follow.ts'
import { icmp, ip, tcp, udp } from './packet-builder.ts'

const A = '10.0.0.1'
const B = '10.0.0.2'
const segment = (from: string, to: string, flags: string, { at = 0, payload = 0, sequence = 1, mss = 0 } = {}): At => ({ at, packet: tcp({ from, to, flags, payload, sequence, mss }) })
const datagram = (from: string, to: string, at = 0): At => ({ at, packet: udp({ from, to, payload: 8 }) })
const other = (from: string, to: string, protocol: number): At => ({ at: 0, packet: ip({ from, to, protocol, payload: new Uint8Array(20) }) })

t.test('the initiator is who the contract says', (t) => {
  const rows: readonly (readonly [string, At, string])[] = [
    ['the sender of the first SYN', segment(`${A}:80`, `${B}:9000`, 'S'), `${A}>${B}:9000`],
    ['the receiver of an orphan SYN-ACK', segment(`${A}:9000`, `${B}:80`, 'SA'), `${B}>${A}:9000`],
    ['from the middle, the sender with the higher port', segment(`${A}:9000`, `${B}:80`, 'A'), `${A}>${B}:80`],
    ['from the middle, the receiver with the higher port', segment(`${A}:80`, `${B}:9000`, 'A'), `${B}>${A}:80`],
    ['the sender of a probe without ACK, whatever the ports', segment(`${A}:80`, `${B}:9000`, 'FPU'), `${A}>${B}:9000`],
    ['the first sender of UDP', datagram(`${A}:40000`, `${B}:50000`), `${A}>${B}:50000`],
    ['not the sender from a UDP port below 1024', datagram(`${A}:53`, `${B}:40000`), `${B}>${A}:53`],
    ['not the sender from a registered UDP port', datagram(`${A}:5353`, `${B}:40000`), `${B}>${A}:5353`],
    ['the first sender where both UDP ports are services', datagram(`${A}:123`, `${B}:123`), `${A}>${B}:123`],
    ['the requester of ICMP', { at: 0, packet: icmp({ from: A, to: B, type: 0, identifier: 5 }) }, `${B}>${A}:0`],
    ['the sender of other protocols', other(A, B, 47), `${A}>${B}:0`],
    ['the sender of the packet that an unknown ICMP error quotes', { at: 0, packet: icmp({ from: '10.0.0.9', to: A, type: 3, code: 3, quote: udp({ from: `${A}:40000`, to: `${B}:9` }) }) }, `${A}>${B}:9`],
  ]
  for (const [name, packet, expected] of rows) t.strictSame(follow([packet]).opened, [expected], name)
  t.end()
})

t.test('packets find their flow, in both directions', (t) => {
  t.strictSame(follow([segment(`${A}:4000`, `${B}:80`, 'S'), segment(`${B}:80`, `${A}:4000`, 'SA'), segment(`${A}:4001`, `${B}:80`, 'S')]).flows, ['1>', '1<', '2>'])
  t.strictSame(follow([datagram(`${A}:53`, `${B}:4000`), datagram(`${B}:4000`, `${A}:53`)]).flows, ['1<', '1>'])
  t.strictSame(follow([segment(`${A}:80`, `${A}:4000`, 'A'), segment(`${A}:4000`, `${A}:80`, 'A')]).flows, ['1<', '1>'], 'between two ports of one address')
  const echo = (from: string, to: string, type: number, identifier: number): At => ({ at: 0, packet: icmp({ from, to, type, identifier }) })
  t.strictSame(follow([echo(A, B, 8, 1), echo(B, A, 0, 1), echo(A, B, 8, 2), echo(A, B, 13, 1), echo(B, A, 14, 1)]).flows, ['1>', '1<', '2>', '3>', '3<'])
  t.strictSame(follow([echo('fd00::1', 'fd00::2', 128, 1), echo('fd00::2', 'fd00::1', 129, 1)]).flows, ['1>', '1<'])
  t.strictSame(follow([other(A, B, 47), other(B, A, 47), other(A, B, 50)]).flows, ['1>', '1<', '2>'])
  t.end()
})

t.test('an ICMP error belongs to the flow that it quotes', (t) => {
  const asked = datagram(`${A}:40000`, `${B}:9`)
  const error = (quote: Uint8Array): At => ({ at: 5, packet: icmp({ from: '10.0.0.254', to: A, type: 3, code: 3, quote }) })
  t.strictSame(follow([asked, error(asked.packet)]).flows, ['1>', '1<'])
  t.strictSame(follow([asked, error(asked.packet.subarray(0, 28))]).flows, ['1>', '1<'], 'with no more than 8 bytes of its header quoted')
  const opening = segment(`${A}:40000`, `${B}:9`, 'S')
  t.strictSame(follow([opening, error(opening.packet.subarray(0, 28))]).flows, ['1>', '1<'], 'also for TCP, whose flags are then missing')
  t.strictSame(follow([asked, error(asked.packet.subarray(0, 22))]).flows, ['1>', '2>'], 'a quote that cannot be read is a conversation of its own')
  const v6 = udp({ from: '[fd00::1]:40000', to: '[fd00::2]:9' })
  t.strictSame(follow([{ at: 0, packet: v6 }, { at: 1, packet: icmp({ from: 'fd00::2', to: 'fd00::1', type: 1, code: 4, quote: v6 }) }]).flows, ['1>', '1<'])
  t.end()
})

t.test('a later fragment belongs to the flow of its first', (t) => {
  const fragment = (offset: number, id: number, payload: Uint8Array): At => ({ at: 0, packet: ip({ from: A, to: B, protocol: 17, payload, fragment: { offset, more: true, id } }) })
  const first = new Uint8Array(16)
  first.set([0x9c, 0x40, 0, 9])
  t.strictSame(follow([fragment(0, 7, first), fragment(16, 7, new Uint8Array(8))]).flows, ['1>', '1>'])
  t.strictSame(follow([fragment(0, 7, first), fragment(16, 8, new Uint8Array(8))]).flows, ['1>', '-'], 'and of no flow where the first was not seen')
  const late = { ...fragment(16, 7, new Uint8Array(8)), at: 70_000 }
  t.strictSame(follow([fragment(0, 7, first), late, { ...segment(`${A}:1`, `${B}:2`, 'S'), at: 140_000 }], { until: 2_000_000 }).flows, ['1>', '-', '2>'], 'nor of a flow that has left')
  const six = (offset: number, payload: Uint8Array): At => {
    const header = new Uint8Array(8)
    new DataView(header.buffer).setUint16(2, offset | 1)
    header[0] = 17
    header[7] = 99
    return { at: 0, packet: ip({ from: 'fd00::1', to: 'fd00::2', protocol: 44, options: header, payload }) }
  }
  t.strictSame(follow([six(0, first), six(16, new Uint8Array(8))]).flows, ['1>', '1>'])
  t.end()
})

t.test('a flow ends by FIN both ways, by RST, or idle', (t) => {
  const up = (flags: string, at: number, sequence = 1): At => segment(`${A}:4000`, `${B}:80`, flags, { at, sequence })
  const down = (flags: string, at: number): At => segment(`${B}:80`, `${A}:4000`, flags, { at })
  const open = [up('S', 0), down('SA', 1), up('A', 2)]
  t.strictSame(follow([...open, up('FA', 3), down('FA', 4), up('A', 5), up('S', 6)]).flows.slice(3), ['1>', '1<', '1>', '2>'], 'the last ACK still belongs to it, the next SYN does not')
  t.strictSame(follow([...open, down('R', 3), down('R', 4), up('S', 5)]).flows.slice(3), ['1<', '1<', '2>'])
  t.strictSame(follow([...open, up('FA', 3), up('S', 4)]).flows.slice(3), ['1>', '1>'], 'a FIN one way does not end it')
  t.strictSame(follow([...open, up('S', 4, 1)]).flows.slice(3), ['1>'], 'a SYN that is sent again begins nothing')
  t.strictSame(follow([...open, up('S', 4, 9)]).flows.slice(3), ['2>'], 'one with another sequence number does')
  t.strictSame(follow([...open, up('A', 900_002), up('A', 1_800_003)]).flows.slice(3), ['1>', '2>'], 'TCP is idle after 15 minutes')
  t.strictSame(follow([datagram(`${A}:4000`, `${B}:53`, 0), datagram(`${A}:4000`, `${B}:53`, 60_000), datagram(`${A}:4000`, `${B}:53`, 120_001)]).flows, ['1>', '1>', '2>'], 'others after 60 seconds')
  t.equal(follow([...open, up('R', 3)], { until: 61_000 }).tracker.table.live, 0, 'an ended flow leaves the table')
  t.end()
})

t.test('a full table makes room for the new at the cost of the flood', (t) => {
  const real = [segment(`${A}:4000`, `${B}:80`, 'S'), segment(`${B}:80`, `${A}:4000`, 'SA', { at: 1 }), segment(`${A}:4000`, `${B}:80`, 'A', { at: 2 })]
  const flood = Array.from({ length: 200 }, (_, at) => segment(`172.16.0.${at}:1000`, `${B}:80`, 'S', { at: 3 + at }))
  const { flows, tracker } = follow([...real, ...flood, segment(`${A}:4000`, `${B}:80`, 'A', { at: 300 })], { maxFlows: 16, until: 300 })
  t.equal(flows.at(-1), '1>', 'the established connection is still known')
  t.equal(tracker.table.live, 16)
  t.equal(tracker.evicted, 201 - 16)
  t.end()
})
