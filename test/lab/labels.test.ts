import t from 'tap'
import type { Leg } from './attacks/plan.ts'
import { findAttackPackets, sumOf } from './attack-packets.ts'
import { addressNumber } from './packets.ts'

interface Sent { atMs: number, from: string, to: string, protocol?: number, dscp?: number }

/** A capture of the laboratory's kind. `from` and `to` are `address:port`. */
function capture (packets: readonly Sent[]): Buffer {
  const head = Buffer.alloc(24)
  head.writeUInt32LE(0xa1b2c3d4, 0)
  head.writeUInt32LE(276, 20)
  return Buffer.concat([head, ...packets.map(({ atMs, from, to, protocol = 6, dscp = 0 }) => {
    const packet = Buffer.alloc(16 + 20 + 40)
    packet.writeUInt32LE(Math.floor(atMs / 1000), 0)
    packet.writeUInt32LE(Math.round(atMs % 1000 * 1000), 4)
    packet.writeUInt32LE(60, 8)
    packet.writeUInt32LE(60, 12)
    packet.writeUInt16BE(0x0800, 16)
    packet.writeUInt8(0x45, 36)
    packet.writeUInt8(dscp << 2, 36 + 1)
    packet.writeUInt8(protocol, 36 + 9)
    for (const [end, at] of [[from, 0], [to, 1]] as const) {
      const [address = '', port] = end.split(':')
      packet.writeUInt32BE(addressNumber(address), 36 + 12 + at * 4)
      packet.writeUInt16BE(Number(port), 36 + 20 + at * 2)
    }
    return packet
  })])
}

const [A, B, C] = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
const PODS = [A, B, C]
const leg = (change: Partial<Leg> = {}): Leg => ({ source: A, destination: B, protocol: 'tcp', ports: [22], ...change })
const find = (packets: readonly Sent[], legs: readonly Leg[]) => {
  const [found] = findAttackPackets(capture(packets), [{ startedMs: 1000, endedMs: 2000, legs }], PODS, 0)
  return { ...sumOf(found?.legs ?? []), residueUntilMs: found?.residueUntilMs ?? null }
}

t.test('an attack has the packets of the flows that it opened, both ways, and no others', (t) => {
  const cases: { says: string, leg?: Partial<Leg>, packets: Sent[], count: number }[] = [
    { says: 'both directions', packets: [{ atMs: 1100, from: `${A}:5000`, to: `${B}:22` }, { atMs: 1101, from: `${B}:22`, to: `${A}:5000` }], count: 2 },
    { says: 'not another port', packets: [{ atMs: 1100, from: `${A}:5000`, to: `${B}:80` }], count: 0 },
    { says: 'any port where the leg names none', leg: { ports: null }, packets: [{ atMs: 1100, from: `${A}:5000`, to: `${B}:80` }], count: 1 },
    { says: 'not another protocol', packets: [{ atMs: 1100, from: `${A}:5000`, to: `${B}:22`, protocol: 17 }], count: 0 },
    { says: 'not the opposite direction', packets: [{ atMs: 1100, from: `${B}:5000`, to: `${A}:22` }], count: 0 },
    { says: 'not another pod', packets: [{ atMs: 1100, from: `${C}:5000`, to: `${B}:22` }], count: 0 },
    { says: 'not a flow that was there before the tool', packets: [{ atMs: 900, from: `${A}:5000`, to: `${B}:22` }, { atMs: 1100, from: `${A}:5000`, to: `${B}:22` }], count: 0 },
    { says: 'not a flow that came after the tool', packets: [{ atMs: 2400, from: `${A}:5000`, to: `${B}:22` }], count: 0 },
    { says: 'not a flow that ordinary work opened, of which only its own packets are marked', packets: [{ atMs: 1100, from: `${A}:5000`, to: `${B}:22`, dscp: 8 }, { atMs: 1101, from: `${B}:22`, to: `${A}:5000` }, { atMs: 1102, from: `${A}:5001`, to: `${B}:22` }], count: 1 },
    { says: 'forged sources, not pods', leg: { source: null }, packets: [{ atMs: 1100, from: '8.8.8.8:5000', to: `${B}:22` }, { atMs: 1101, from: `${B}:22`, to: '8.8.8.8:5000' }, { atMs: 1102, from: `${A}:5000`, to: `${B}:22` }], count: 2 },
    { says: 'addresses of a range that are no pods', leg: { destination: '10.0.0.0/24' }, packets: [{ atMs: 1100, from: `${A}:5000`, to: '10.0.0.77:22' }, { atMs: 1101, from: `${A}:5000`, to: `${B}:22` }, { atMs: 1102, from: `${A}:5000`, to: '10.0.1.77:22' }], count: 1 },
  ]
  for (const { says, packets, count, leg: change } of cases) t.equal(find(packets, [leg(change)]).packets, count, says)
  t.end()
})

t.test('first and last packet come from the capture; what trails behind the tool is residue', (t) => {
  const packets = [1250.5, 1900, 2200, 7000].map((atMs) => ({ atMs, from: `${A}:5000`, to: `${B}:22` }))
  t.same(find(packets, [leg()]), { packets: 3, firstPacketMs: 1250.5, lastPacketMs: 2200, residueUntilMs: 7000 })
  t.same(find([], [leg()]), { packets: 0, firstPacketMs: null, lastPacketMs: null, residueUntilMs: null })
  t.end()
})

t.test('a leg counts its packets by windows of 0.5 s from the run\'s start', (t) => {
  const packets = [1100, 1200, 1600, 2200].map((atMs) => ({ atMs, from: `${A}:5000`, to: `${B}:22` }))
  const [found] = findAttackPackets(capture(packets), [{ startedMs: 1000, endedMs: 2000, legs: [leg()] }], PODS, 700)
  t.same(found?.legs[0]?.timeline, [[1, 2], [2, 1], [3, 1]])
  t.end()
})

t.test('a leg tells what it sent from what came back', (t) => {
  const packets = [{ atMs: 1100, from: `${A}:5000`, to: `${B}:22` }, { atMs: 1101, from: `${B}:22`, to: `${A}:5000` }, { atMs: 1102, from: `${B}:22`, to: `${A}:5000` }]
  const [found] = findAttackPackets(capture(packets), [{ startedMs: 1000, endedMs: 2000, legs: [leg()] }], PODS, 0)
  t.match(found?.legs[0], { packets: 3, sent: 1 })
  t.end()
})

t.test('a capture of another kind is refused, a cut one is read as far as it goes', (t) => {
  t.throws(() => findAttackPackets(Buffer.alloc(24), [], [], 0), /not a capture of the laboratory/)
  const cut = capture([{ atMs: 1100, from: `${A}:1`, to: `${B}:22` }, { atMs: 1101, from: `${A}:1`, to: `${B}:22` }]).subarray(0, -10)
  const [found] = findAttackPackets(cut, [{ startedMs: 1000, endedMs: 2000, legs: [leg()] }], PODS, 0)
  t.equal(found?.legs[0]?.packets, 1)
  t.end()
})
