import t from 'tap'
import { addressText } from '../../../src/core/flow/address.ts'
import { decodePacket } from '../../../src/core/flow/decode.ts'
import { DECODED_NAMES, DESTINATION, DESTINATION_PORT, DIRECTION, MAX_SEGMENT, PACKET_WORDS, PAYLOAD, PROTOCOL, SOURCE, SOURCE_PORT } from '../../../src/core/flow/packet.ts'
import { cooked, cooked2, ethernet, icmp, ip, tcp, udp } from './packet-builder.ts'

interface Decoded {
  readonly outcome: string
  readonly text: string
  readonly row: Int32Array
}

/** Decodes a frame of which `captured` bytes were kept. */
function decode (frame: Uint8Array, linkType: number, { captured = frame.length, original = frame.length } = {}): Decoded {
  const row = new Int32Array(PACKET_WORDS)
  const kept = frame.subarray(0, captured)
  const outcome = DECODED_NAMES[decodePacket(new DataView(kept.buffer, kept.byteOffset, kept.length), 0, kept.length, original, linkType, row)] ?? ''
  const text = `${row[PROTOCOL] ?? 0} ${addressText(row, SOURCE)}:${row[SOURCE_PORT] ?? 0} ${addressText(row, DESTINATION)}:${row[DESTINATION_PORT] ?? 0} +${row[PAYLOAD] ?? 0}`
  return { outcome, text, row }
}

const four = tcp({ from: '10.0.0.1:4000', to: '10.0.0.2:80', payload: 100 })
const six = udp({ from: '[fd00::1]:4000', to: '[fd00::2]:53', payload: 30 })
const FOUR = '6 10.0.0.1:4000 10.0.0.2:80 +100'
const SIX = '17 fd00::1:4000 fd00::2:53 +30'
const family = (bytes: readonly number[], packet: Uint8Array): Uint8Array => Uint8Array.of(...bytes, ...packet)

t.test('every link type leads to the same packet', (t) => {
  const rows: readonly (readonly [string, number, Uint8Array, string])[] = [
    ['Ethernet', 1, ethernet(four), FOUR],
    ['Ethernet', 1, ethernet(six), SIX],
    ['Ethernet with a VLAN tag', 1, ethernet(four, [0x8100]), FOUR],
    ['Ethernet with QinQ', 1, ethernet(six, [0x88a8, 0x8100]), SIX],
    ['Ethernet with the old service tag', 1, ethernet(four, [0x9100, 0x8100]), FOUR],
    ['cooked', 113, cooked(four), FOUR],
    ['cooked', 113, cooked(six), SIX],
    ['cooked v2', 276, cooked2(four), FOUR],
    ['cooked v2', 276, cooked2(six), SIX],
    ...[101, 12, 14].flatMap((type) => [['raw', type, four, FOUR], ['raw', type, six, SIX]] as const),
    ['IPv4', 228, four, FOUR],
    ['IPv6', 229, six, SIX],
    ['loopback, little-endian', 0, family([2, 0, 0, 0], four), FOUR],
    ['loopback, big-endian', 0, family([0, 0, 0, 2], four), FOUR],
    ...[10, 24, 28, 30].map((number) => ['loopback IPv6', 0, family([number, 0, 0, 0], six), SIX] as const),
    ['OpenBSD loopback', 108, family([0, 0, 0, 24], six), SIX],
  ]
  for (const [name, linkType, frame, expected] of rows) {
    const { outcome, text } = decode(frame, linkType)
    t.strictSame([outcome, text], ['ok', expected], `${name} (${linkType})`)
  }
  t.end()
})

t.test('a cooked capture tells the direction', (t) => {
  for (const [packetType, direction] of [[0, 1], [1, 1], [2, 1], [3, 0], [4, 2]] as const) {
    t.equal(decode(cooked(four, packetType), 113).row[DIRECTION], direction)
    t.equal(decode(cooked2(four, packetType), 276).row[DIRECTION], direction)
  }
  t.equal(decode(ethernet(four), 1).row[DIRECTION], 0, 'Ethernet does not')
  t.end()
})

t.test('payload is counted by the headers, not by what was captured', (t) => {
  const long = ethernet(tcp({ from: '10.0.0.1:4000', to: '10.0.0.2:80', payload: 1400 }))
  t.equal(decode(long, 1, { captured: 96 }).text, '6 10.0.0.1:4000 10.0.0.2:80 +1400', 'cut to 96 bytes')
  t.equal(decode(long, 1, { captured: 48 }).text, '6 10.0.0.1:4000 10.0.0.2:80 +1400', 'cut behind the TCP flags')
  t.equal(decode(family([...ethernet(four)], new Uint8Array(20)), 1).text, FOUR, 'Ethernet padding is no payload')
  const offload = ip({ from: '10.0.0.1', to: '10.0.0.2', protocol: 6, payload: four.subarray(20), length: 0 })
  t.equal(decode(offload, 101).text, FOUR, 'a total length of 0 means the frame\'s')
  t.equal(decode(offload, 101, { captured: 60, original: 65_580 }).text, `6 10.0.0.1:4000 10.0.0.2:80 +${65_580 - 40}`, 'also of a long one')
  const options = ip({ from: '10.0.0.1', to: '10.0.0.2', protocol: 6, payload: four.subarray(20), options: new Uint8Array(12) })
  t.equal(decode(options, 101).text, FOUR, 'IPv4 options')
  t.end()
})

t.test('IPv6 extension headers are passed over', (t) => {
  const extensions = (first: number, ...headers: readonly number[][]): Uint8Array =>
    ip({ from: 'fd00::1', to: 'fd00::2', protocol: first, options: Uint8Array.from(headers.flat()), payload: six.subarray(40) })
  const hop = (next: number): number[] => [next, 0, 1, 4, 0, 0, 0, 0]
  t.equal(decode(extensions(0, hop(17)), 101).text, SIX, 'hop by hop')
  t.equal(decode(extensions(0, hop(43), hop(60), hop(17)), 101).text, SIX, 'three of them')
  t.equal(decode(extensions(60, [17, 1, ...new Uint8Array(14)]), 101).text, SIX, 'one of 16 bytes')
  t.equal(decode(extensions(51, [17, 1, ...new Uint8Array(10)]), 101).text, SIX, 'authentication counts in fours')
  t.equal(decode(extensions(0, ...Array.from({ length: 40 }, () => hop(0)), hop(17)), 101).outcome, 'badIp', 'a chain without end')
  t.equal(decode(extensions(60, [17, 200, 0, 0, 0, 0, 0, 0]), 101).outcome, 'badIp', 'one longer than the packet')
  t.end()
})

t.test('what is malformed or cut is told by kind', (t) => {
  const changed = (packet: Uint8Array, at: number, byte: number): Uint8Array => Uint8Array.from(packet, (old, place) => place === at ? byte : old)
  const rows: readonly (readonly [string, string, Uint8Array, number])[] = [
    ['notIp', 'ARP', changed(ethernet(four), 13, 6), 1],
    ['notIp', 'an LLC frame', Uint8Array.from({ length: 60 }, (_, at) => at === 13 ? 40 : 0), 1],
    ['notIp', 'a loopback family that is not IP', family([7, 0, 0, 0], four), 0],
    ['unknownLink', 'a link type of its own', four, 147],
    ['cutLink', 'half an Ethernet header', ethernet(four).subarray(0, 13), 1],
    ['cutLink', 'nothing', new Uint8Array(), 1],
    ['cutLink', 'a VLAN tag without end', ethernet(four, [0x8100]).subarray(0, 16), 1],
    ['cutLink', 'half a cooked header', cooked(four).subarray(0, 15), 113],
    ['cutLink', 'half a cooked v2 header', cooked2(four).subarray(0, 19), 276],
    ['cutIp', 'half an IPv4 header', four.subarray(0, 19), 101],
    ['cutIp', 'half an IPv6 header', six.subarray(0, 39), 101],
    ['cutIp', 'no byte of IP', new Uint8Array(), 101],
    ['badIp', 'version 5', changed(four, 0, 0x55), 101],
    ['badIp', 'a header length of 16', changed(four, 0, 0x44), 101],
    ['badIp', 'a total length below the header\'s', changed(changed(four, 2, 0), 3, 19), 101],
    ['badIp', 'IPv6 where IPv4 is promised', six, 228],
    ['badIp', 'IPv4 where IPv6 is promised', four, 229],
    ['cutTransport', 'TCP before its flags', four.subarray(0, 33), 101],
    ['cutTransport', 'UDP before its ports', six.subarray(0, 43), 101],
    ['cutTransport', 'ICMP before its type ends', icmp({ from: '10.0.0.1', to: '10.0.0.2', type: 8 }).subarray(0, 23), 101],
    ['badTransport', 'a TCP header of 16 bytes', changed(four, 32, 0x40), 101],
    ['badTransport', 'a TCP header longer than the packet', changed(tcp({ from: '10.0.0.1:1', to: '10.0.0.2:2' }), 32, 0x60), 101],
    ['badTransport', 'a UDP packet of 6 bytes', ip({ from: '10.0.0.1', to: '10.0.0.2', protocol: 17, payload: new Uint8Array(6) }), 101],
  ]
  for (const [kind, name, frame, linkType] of rows) t.equal(decode(frame, linkType).outcome, kind, name)
  t.end()
})

t.test('a SYN tells its largest segment', (t) => {
  const syn = tcp({ from: '10.0.0.1:1', to: '10.0.0.2:2', flags: 'S', mss: 1400 })
  t.equal(decode(syn, 101).row[MAX_SEGMENT], 1400)
  t.equal(decode(syn, 101, { captured: 40 }).row[MAX_SEGMENT], 0, 'unless it is cut off')
  t.end()
})
