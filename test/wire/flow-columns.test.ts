import { fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import t from 'tap'
import { WITNESSES, type FlowSighting } from '../../src/core/history/sighting.ts'
import { addressFromBytes } from '../../src/wire/address.ts'
import { decodeFlows, encodeFlows } from '../../src/wire/flow-columns.ts'
import { FlowColumnsSchema, type FlowColumns } from '../../src/wire/gen/scores_pb.ts'
import { addressBytes } from './arbitrary-window.ts'

const overTheWire = (columns: FlowColumns): FlowColumns => fromBinary(FlowColumnsSchema, toBinary(FlowColumnsSchema, columns))
const plain = { noNullPrototype: true } as const
const address = addressBytes.map((bytes) => addressFromBytes(bytes) ?? '')
const count = fc.nat(0xffff_ffff)
const bytes = fc.nat(Number.MAX_SAFE_INTEGER)
const sighting: fc.Arbitrary<FlowSighting> = fc.record({
  minute: fc.nat(0x7fff_ffff),
  source: address,
  destination: address,
  witness: fc.constantFrom(...WITNESSES),
  pod: fc.constantFrom('', 'uid-1', 'uid-2'),
  use: fc.record({ protocol: fc.nat(255), port: fc.nat(65_535), begun: count, carried: count, failed: count, bytesSent: bytes, bytesReceived: bytes }, plain),
}, plain)

t.test('flows arrive as they were sent', async (t) => {
  fc.assert(fc.property(fc.array(sighting, { maxLength: 20 }), (sightings) => {
    const decoded = decodeFlows(overTheWire(encodeFlows(sightings)))
    t.strictSame(decoded.ok && decoded.sightings, sightings)
  }), { numRuns: 100 })
})

t.test('columns that contradict each other are refused in plain words', async (t) => {
  const sightings = fc.sample(sighting, { numRuns: 2, seed: 1 })
  const spoil: ReadonlyArray<readonly [RegExp, (columns: FlowColumns) => unknown]> = [
    [/column port has 1 entries where 2 flows/, (columns) => columns.port.pop()],
    [/flow 1 names an address/, (columns) => { columns.source[1] = 99 }],
    [/flow 0 names an address/, (columns) => { columns.addresses = columns.addresses.map(() => new Uint8Array(5)) }],
    [/flow 0 names a witness/, (columns) => { columns.witness[0] = 0 }],
    [/flow 1 names a witness/, (columns) => { columns.pod[1] = 9 }],
    [/a port or a protocol/, (columns) => { columns.protocol[0] = 300 }],
    [/bytes of flow 0/, (columns) => { columns.bytesSent[0] = 1.5 }],
  ]
  for (const [problem, change] of spoil) {
    const columns = encodeFlows(sightings)
    change(columns)
    t.match(decodeFlows(overTheWire(columns)), { ok: false, problem }, String(problem))
  }
})

t.test('an address that is none is a defect of the sender', async (t) => {
  const [one] = fc.sample(sighting, { numRuns: 1, seed: 1 })
  if (one === undefined) throw new Error('no sample')
  t.throws(() => encodeFlows([{ ...one, source: 'nowhere' }]), { message: /'nowhere'/ })
})
