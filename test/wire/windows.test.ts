import { fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import t from 'tap'
import type { StepMs } from '../../src/core/window/window.ts'
import { decodeWindows } from '../../src/wire/decode-windows.ts'
import { encodeWindows } from '../../src/wire/encode-windows.ts'
import { WindowColumnsSchema, type WindowColumns } from '../../src/wire/gen/windows_pb.ts'
import { arbitraryWindow } from './arbitrary-window.ts'

const overTheWire = (columns: WindowColumns): WindowColumns => fromBinary(WindowColumnsSchema, toBinary(WindowColumnsSchema, columns))

t.test('windows arrive as they were sent', async (t) => {
  fc.assert(fc.property(fc.array(arbitraryWindow, { maxLength: 20 }), (windows) => {
    const decoded = decodeWindows(overTheWire(encodeWindows(windows)))
    t.strictSame(decoded.ok && decoded.windows, windows)
  }), { numRuns: 100 })
})

t.test('a batch says how far each step has got, with or without windows', async (t) => {
  const clocks = new Map<StepMs, number>([[500, 3_600_000_000], [15_000, 120_000_000]])
  const decoded = decodeWindows(overTheWire(encodeWindows([], clocks)))
  t.strictSame(decoded, { ok: true, windows: [], clocks })
})

t.test('counters stop at what fits, and features are as precise as the model reads them', async (t) => {
  const [window] = fc.sample(arbitraryWindow, { numRuns: 1, seed: 1 })
  if (window === undefined) throw new Error('no sample')
  window.counters[0] = 2 ** 40
  window.features[1] = 16_777_217
  const decoded = decodeWindows(overTheWire(encodeWindows([window])))
  t.equal(decoded.ok && decoded.windows[0]?.counters[0], 2 ** 32 - 1)
  t.equal(decoded.ok && decoded.windows[0]?.features[1], Math.fround(16_777_217))
})

t.test('an address that is none is a defect of the sender', async (t) => {
  const [window] = fc.sample(arbitraryWindow, { numRuns: 1, seed: 1 })
  if (window === undefined) throw new Error('no sample')
  t.throws(() => encodeWindows([{ ...window, key: { kind: 'fan-out', source: 'nowhere' } }]), { message: /'nowhere'/ })
})

t.test('columns that contradict each other are refused in plain words', async (t) => {
  const windows = fc.sample(arbitraryWindow.filter(({ key, ports }) => key.kind === 'fan-out' && ports.length > 0), { numRuns: 2, seed: 7 })
  const spoil: ReadonlyArray<readonly [RegExp, (columns: WindowColumns) => unknown]> = [
    [/column features has 23 entries where 2 windows need 24/, (columns) => columns.features.pop()],
    [/column counters/, (columns) => columns.counters.push(1)],
    [/column step/, (columns) => columns.step.pop()],
    [/column port_sketches/, (columns) => { columns.portSketches = new Uint8Array(3) }],
    [/peer_sketches has 0 bytes where 2 windows of fan keys need 64/, (columns) => { columns.peerSketches = new Uint8Array() }],
    [/column port_packets/, (columns) => columns.portPackets.pop()],
    [/port_count adds up to/, (columns) => { columns.portCount[0] = 0 }],
    [/names 9 ports, more than 8/, (columns) => { columns.portCount[0] = 9 }],
    [/a key that is not there/, (columns) => { columns.key[1] = 99 }],
    [/a step that is not there/, (columns) => { columns.step[0] = 9 }],
    [/older than time/, (columns) => { columns.age[0] = 0xffff_ffff }],
    [/unknown quality bits/, (columns) => { columns.quality[0] = 1 << 20 }],
    [/failed_conn_ratio above 1/, (columns) => { columns.features[10] = 1.5 }],
    [/a feature is negative or not a number/, (columns) => { columns.features[0] = NaN }],
    [/a feature is negative or not a number/, (columns) => { columns.features[3] = -1 }],
    [/a feature is negative or not a number/, (columns) => { columns.features[3] = Infinity }],
    [/a port is above 65535/, (columns) => { columns.port[0] = 65_536 }],
    [/first packet after its end/, (columns) => { columns.firstPacketUs[0] = 60_000_000 }],
    [/an address of 5 bytes/, (columns) => { columns.addresses[0] = new Uint8Array(5) }],
    [/key 0 names an address that is not there/, (columns) => { columns.keySource[0] = 77 }],
    [/neither source nor destination/, (columns) => { columns.keySource[0] = 0 }],
    [/a step of 7 ms is none of 500, 15000, 60000/, (columns) => columns.steps.forEach((step) => { step.stepMs = 7 })],
    [/is there twice/, (columns) => { columns.steps = [...columns.steps, ...columns.steps] }],
    [/beyond the end of time/, (columns) => columns.steps.forEach((step) => { step.newest = 2n ** 63n })],
  ]
  for (const [problem, change] of spoil) {
    const columns = encodeWindows(windows)
    change(columns)
    const decoded = decodeWindows(overTheWire(columns))
    t.match(decoded, { ok: false, problem }, String(problem))
  }
})

t.test('an observer that tells of no ports is understood, and one that contradicts itself is not', async (t) => {
  const windows = fc.sample(arbitraryWindow.filter(({ uses }) => (uses?.length ?? 0) > 0), { numRuns: 2, seed: 5 })
  const columns = encodeWindows(windows)
  const older = decodeWindows(overTheWire({ ...columns, useCount: [], useProtocol: [], usePort: [], useBegun: [], useCarried: [], useFailed: [], useBytesSent: [], useBytesReceived: [] }))
  t.strictSame(older.ok && older.windows, windows.map(({ uses: _, ...window }) => window))
  const spoil: ReadonlyArray<readonly [RegExp, (columns: WindowColumns) => unknown]> = [
    [/column use_count has 1 entries where 2/, (columns) => columns.useCount.pop()],
    [/column use_begun/, (columns) => columns.useBegun.pop()],
    [/use_count adds up to/, (columns) => { columns.useCount[0] = 9 }],
    [/a port is above/, (columns) => { columns.usePort[0] = 65_536 }],
    [/a protocol is above/, (columns) => { columns.useProtocol[0] = 256 }],
    [/no whole number/, (columns) => { columns.useBytesSent[0] = -1 }],
    [/no whole number/, (columns) => { columns.useBytesReceived[0] = NaN }],
    [/which only a pair in 60000 ms does/, (columns) => columns.steps.forEach((step) => { step.stepMs = 500 })],
  ]
  for (const [problem, change] of spoil) {
    const spoilt = encodeWindows(windows)
    change(spoilt)
    t.match(decodeWindows(overTheWire(spoilt)), { ok: false, problem }, String(problem))
  }
})

t.test('10,000 mutated messages give windows or a problem, never an exception', async (t) => {
  const bytes = toBinary(WindowColumnsSchema, encodeWindows(fc.sample(arbitraryWindow, { numRuns: 5, seed: 3 })))
  let refused = 0
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }), (changes) => {
    const mutated = bytes.slice()
    for (const [at, value] of changes) mutated[at] = value
    let columns
    try {
      columns = fromBinary(WindowColumnsSchema, mutated)
    } catch {
      return // protobuf itself refused it
    }
    if (!decodeWindows(columns).ok) refused++
  }), { numRuns: 10_000 })
  t.ok(refused > 0, `${refused} refused by us`)
})
