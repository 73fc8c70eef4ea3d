import fc from 'fast-check'
import { COUNTERS, FEATURES, MAX_NAMED_PORTS, SKETCH_BYTES, STEPS_MS, type Window, type WindowKey } from '../../src/core/window/window.ts'
import { addressFromBytes } from '../../src/wire/address.ts'

export const addressBytes = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .filter((bytes) => addressFromBytes(bytes) !== null)
const address = addressBytes.map((bytes) => addressFromBytes(bytes) ?? '')

const plain = { noNullPrototype: true } as const

const key: fc.Arbitrary<WindowKey> = fc.oneof(
  fc.record({ kind: fc.constant('pair' as const), source: address, destination: address }, plain),
  fc.record({ kind: fc.constant('fan-out' as const), source: address }, plain),
  fc.record({ kind: fc.constant('fan-in' as const), destination: address }, plain)
)

const sketch = fc.uint8Array({ minLength: SKETCH_BYTES, maxLength: SKETCH_BYTES })
/** What 32 bits hold exactly: the wire's precision is the model's. */
const feature = fc.float({ min: 0, max: Math.fround(3e38), noNaN: true }).map((value) => value === 0 ? 0 : value)

const count = fc.integer({ min: 0, max: 0xffff_ffff })
const bytes = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const use = fc.record({
  protocol: fc.constantFrom(1, 6, 17), port: fc.integer({ min: 0, max: 65_535 }), begun: count, carried: count, failed: count, bytesSent: bytes, bytesReceived: bytes,
}, plain)

/** Any window that an observer could send. */
export const arbitraryWindow: fc.Arbitrary<Window> = fc.record({
  key,
  stepMs: fc.constantFrom(...STEPS_MS),
  atMs: fc.integer({ min: 1_800_000_000_000, max: 1_801_000_000_000 }),
  firstPacketUs: fc.integer({ min: 0, max: 499_999 }),
  features: fc.array(feature, { minLength: FEATURES.length, maxLength: FEATURES.length }),
  counters: fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { minLength: COUNTERS.length, maxLength: COUNTERS.length }),
  ports: fc.array(fc.record({ port: fc.integer({ min: 0, max: 65_535 }), packets: fc.integer({ min: 0, max: 0xffff_ffff }) }, plain), { maxLength: MAX_NAMED_PORTS }),
  portSketch: sketch,
  peerSketch: sketch,
  quality: fc.integer({ min: 0, max: 15 }),
  uses: fc.option(fc.array(use, { maxLength: 4 })),
  proved: fc.option(fc.integer({ min: 0, max: 0xffff_fffe })),
}).map(({ atMs, firstPacketUs, features, counters, peerSketch, uses, proved, ...window }) => ({
  ...window,
  ...(uses !== null && window.key.kind === 'pair' && window.stepMs === 60_000 && { uses }),
  ...(proved !== null && { proved }),
  number: Math.floor(atMs / window.stepMs),
  firstPacketMs: (Math.floor(atMs / window.stepMs) * window.stepMs * 1000 + firstPacketUs) / 1000,
  features: Float64Array.from(features, (value, index) => FEATURES[index] === 'failed_conn_ratio' ? Math.fround(value % 1) : value),
  counters: Float64Array.from(counters),
  peerSketch: window.key.kind === 'pair' ? new Uint8Array(SKETCH_BYTES) : peerSketch,
}))
