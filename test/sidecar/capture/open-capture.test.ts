import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import t, { type Test } from 'tap'
import type { CaptureStats } from '../../../sidecar/capture/capture.ts'
import { openCapture } from '../../../sidecar/capture/open-capture.ts'
import { ethernet, udp } from '../../core/flow/packet-builder.ts'
import { block, interfaceBlock, joined, packetBlock, pcap, sectionBlock, simpleBlock, type Recorded } from './capture-builder.ts'

const TIME_MS = 1_760_000_000_000
const frame = ethernet(udp({ from: '10.0.0.1:4000', to: '10.0.0.2:53', payload: 60 }))
const packets: readonly Recorded[] = Array.from({ length: 5 }, (_, at) => ({ timeMs: TIME_MS + at / 1_000, frame }))

interface Read {
  readonly timeMs: number
  readonly captured: number
  readonly original: number
  readonly linkType: number
  readonly bytes: string
}

let files = 0
async function read (t: Test, bytes: Uint8Array): Promise<{ read: Read[], stats: CaptureStats }> {
  const path = join(t.testdir(), `capture-${files++}`)
  await writeFile(path, bytes)
  const capture = openCapture(path)
  const read: Read[] = []
  for await (const { bytes, count, offsets, captured, original, timesMs, linkTypes } of capture) {
    for (let at = 0; at < count; at++) {
      const from = offsets[at] ?? 0
      const length = captured[at] ?? 0
      read.push({ timeMs: timesMs[at] ?? 0, captured: length, original: original[at] ?? 0, linkType: linkTypes[at] ?? 0, bytes: Buffer.from(bytes.subarray(from, from + length)).toString('hex') })
    }
  }
  return { read, stats: capture.stats }
}

const whole = (timeMs: number): Read => ({ timeMs, captured: frame.length, original: frame.length, linkType: 1, bytes: Buffer.from(frame).toString('hex') })

t.test('pcap of either byte order and precision reads the same', async (t) => {
  for (const little of [true, false]) {
    for (const nanoseconds of [true, false]) {
      t.strictSame((await read(t, pcap(packets, { little, nanoseconds }))).read, packets.map(({ timeMs }) => whole(timeMs)), `little-endian ${little}, nanoseconds ${nanoseconds}`)
    }
  }
  const cut = await read(t, pcap(packets, { snapLength: 50, linkType: 113 }))
  t.match(cut.read[0], { captured: 50, original: frame.length, linkType: 113 })
  t.equal(cut.stats.cut, null)
})

t.test('packed captures are known by their content', async (t) => {
  const plain = pcap(packets)
  const expected = packets.map(({ timeMs }) => whole(timeMs))
  t.strictSame((await read(t, gzipSync(plain))).read, expected)
  t.strictSame((await read(t, zstdCompressSync(plain))).read, expected)
  t.strictSame((await read(t, joined([gzipSync(plain.subarray(0, 99)), gzipSync(plain.subarray(99))]))).read, expected, 'two gzip members')
  t.strictSame((await read(t, joined([zstdCompressSync(plain.subarray(0, 99)), zstdCompressSync(plain.subarray(99))]))).read, expected, 'two zstd frames')
})

t.test('pcapng: sections, interfaces, clocks, simple packets, blocks without packets', async (t) => {
  const ticks = BigInt(TIME_MS)
  const big = { little: false }
  const { read: packetsRead, stats } = await read(t, joined([
    sectionBlock(),
    interfaceBlock(1),
    interfaceBlock(101, { resolution: 9 }),
    packetBlock(0, ticks * 1_000n, frame),
    packetBlock(1, (ticks + 1n) * 1_000_000n, frame, { captured: 45 }),
    block(0x0bad, new Uint8Array(33)),
    block(10, new Uint8Array(400_000)), // decryption secrets, longer than any packet
    sectionBlock(big),
    interfaceBlock(113, { ...big, resolution: 0x80 | 10, snapLength: 40 }),
    packetBlock(0, (ticks + 2n) * 1_024n / 1_000n, frame, big),
    simpleBlock(frame, { ...big, captured: 40 }),
  ]))
  t.match(packetsRead, [
    { timeMs: TIME_MS, linkType: 1, captured: frame.length },
    { timeMs: TIME_MS + 1, linkType: 101, captured: 45, original: frame.length },
    { linkType: 113 },
    { linkType: 113, captured: 40, original: frame.length },
  ])
  t.ok(Math.abs((packetsRead[2]?.timeMs ?? 0) - TIME_MS - 2) < 1, 'a clock of 2^-10 s')
  t.equal(packetsRead[3]?.timeMs, packetsRead[2]?.timeMs, 'a simple packet takes the time of the one before')
  t.match(stats, { packets: 4, skippedBlocks: 2, cut: null })
})

t.test('a capture that is cut gives the packets before the cut, and says so', async (t) => {
  const plain = pcap(packets)
  const cut = await read(t, plain.subarray(0, plain.length - 7))
  t.equal(cut.read.length, 4)
  t.match(cut.stats.cut, /ends inside a record that begins at byte 496; the 4 packets before it were used/)
  const many = pcap(Array.from({ length: 20_000 }, (_, at) => ({ timeMs: TIME_MS + at, frame: Uint8Array.from(frame, (byte, place) => place > 42 ? (at * place * 31) & 255 : byte) })))
  for (const [name, packed] of [['gzip', gzipSync(many)], ['zstd', zstdCompressSync(many)]] as const) {
    const half = await read(t, packed.subarray(0, packed.length >>> 1))
    t.ok(half.read.length > 1_000, `${name}: ${half.read.length} packets`)
    t.match(half.stats.cut, /is cut inside its compressed data|ends inside/, name)
  }
  const pcapng = joined([sectionBlock(), interfaceBlock(1), packetBlock(0, 1n, frame), packetBlock(0, 2n, frame)])
  t.match((await read(t, pcapng.subarray(0, pcapng.length - 3))).stats, { packets: 1, cut: /ends inside a record/ })
})

t.test('damage ends the reading where it stands', async (t) => {
  const damaged = pcap(packets)
  new DataView(damaged.buffer).setUint32(24 + 2 * (16 + frame.length) + 8, 0x7fffffff, true)
  t.match((await read(t, damaged)).stats, { packets: 2, cut: /is damaged at byte 260; the 2 packets before it were used/ })
  const unknownInterface = joined([sectionBlock(), interfaceBlock(1), packetBlock(0, 1n, frame), packetBlock(3, 2n, frame)])
  t.match((await read(t, unknownInterface)).stats, { packets: 1, cut: /is damaged/ })
  const gzip = gzipSync(pcap(Array.from({ length: 20_000 }, (_, at) => ({ timeMs: TIME_MS + at, frame: Uint8Array.from(frame, () => Math.imul(at, 2654435761) >>> 24) }))))
  gzip.fill(0x55, gzip.length >>> 1, (gzip.length >>> 1) + 64)
  t.match((await read(t, gzip)).stats.cut, /damaged inside its compressed data|is damaged/)
})

t.test('what is no capture is named for what it is', async (t) => {
  const rows: readonly (readonly [RegExp, string | Uint8Array])[] = [
    [/is empty/, ''],
    [/is empty/, gzipSync('')],
    [/is a Zeek log, which has no packets; a pcap or pcapng capture is wanted/, '#separator \\x09\n#set_separator ,\n#path conn\n'],
    [/is a Zeek log in JSON/, '{"ts":1600000000.1,"uid":"C1","id.orig_h":"10.0.0.1"}\n'],
    [/is a table of comma-separated values/, 'Flow ID,Src IP,Src Port,Dst IP\n1,2,3,4\n'],
    [/is JSON/, '{"hello": "world", "and": "so on and on"}'],
    [/is a text/, 'apiVersion: v1\nkind: Pod\nmetadata:\n'],
    [/is packed with xz \(unpack it first\)/, Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, ...new Uint8Array(40))],
    [/does not begin like any capture/, Uint8Array.from({ length: 500 }, (_, at) => (at * 197) & 255)],
    [/does not begin like any capture|is a text/, Uint8Array.of(0xd4, 0xc3, 0xb2)],
    [/is cut inside its compressed data before the first packet/, gzipSync(pcap(packets)).subarray(0, 12)],
  ]
  for (const [message, content] of rows) await t.rejects(read(t, Buffer.from(content)), { code: 'BAD_DATA', message }, String(message))
})

t.test('what cannot be opened is said with its mend', async (t) => {
  const folder = t.testdir()
  const first = async (path: string): Promise<unknown> => openCapture(path)[Symbol.asyncIterator]().next()
  await t.rejects(first(join(folder, 'absent.pcap')), { code: 'NOT_FOUND', message: /There is no file .*absent\.pcap; check the path/ })
  await mkdir(join(folder, 'captures'))
  await t.rejects(first(join(folder, 'captures')), { code: 'BAD_DATA', message: /is a folder; name the capture files inside it/ })
})

t.test('packets that step back a little are put in order, a clock that was set is left as it is', async (t) => {
  const at = (...offsets: readonly number[]): Recorded[] => offsets.map((offset) => ({ timeMs: TIME_MS + offset, frame }))
  const times = async (recorded: readonly Recorded[]): Promise<number[]> => (await read(t, pcap(recorded))).read.map(({ timeMs }) => timeMs - TIME_MS)
  t.strictSame(await times(at(0, 300, 200, 400)), [0, 200, 300, 400])
  t.strictSame(await times(at(20_000, 20_100, 0, 50, 40)), [20_000, 20_100, 0, 40, 50])
})

t.test('a file longer than a block comes whole, and an early end closes it', async (t) => {
  const path = join(t.testdir(), 'long.pcap')
  const long = pcap(Array.from({ length: 50_000 }, (_, at) => ({ timeMs: TIME_MS + at, frame })))
  await writeFile(path, long)
  const capture = openCapture(path)
  let sum = 0
  for await (const { count, timesMs, offsets, bytes } of capture) {
    for (let at = 0; at < count; at++) sum += (timesMs[at] ?? 0) - TIME_MS + (bytes[(offsets[at] ?? 0) + 13] ?? 0)
  }
  t.equal(sum, 50_000 * 49_999 / 2, 'every packet in its place')
  t.match(capture.stats, { packets: 50_000, bytesRead: long.length, totalBytes: long.length, cut: null })
  const broken = openCapture(path)
  for await (const chunk of broken) if (chunk.count > 0) break
  t.ok(broken.stats.packets < 50_000)
  const ended = openCapture(path, { signal: AbortSignal.abort(new Error('enough')) })
  await t.rejects(ended[Symbol.asyncIterator]().next(), { message: 'enough' })
})
