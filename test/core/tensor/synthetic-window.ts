import { COUNTERS, FEATURES, SKETCH_BYTES, type CounterName, type FeatureName, type StepMs, type Window, type WindowKey } from '../../../src/core/window/window.ts'

/** A window as a test wants it: what is not named is zero. */
export function syntheticWindow (given: {
  key?: WindowKey,
  stepMs?: StepMs,
  number?: number,
  features?: Partial<Record<FeatureName, number>>,
  counters?: Partial<Record<CounterName, number>>,
  ports?: Window['ports'],
  portBits?: readonly number[],
  peerBits?: readonly number[],
}): Window {
  return {
    key: given.key ?? { kind: 'pair', source: '10.0.0.1', destination: '10.0.0.2' },
    stepMs: given.stepMs ?? 500,
    number: given.number ?? 0,
    features: Float64Array.from(FEATURES, (name) => given.features?.[name] ?? 0),
    counters: Float64Array.from(COUNTERS, (name) => given.counters?.[name] ?? 0),
    ports: given.ports ?? [],
    portSketch: sketch(given.portBits ?? []),
    peerSketch: sketch(given.peerBits ?? []),
    quality: 0,
    firstPacketMs: (given.number ?? 0) * (given.stepMs ?? 500),
  }
}

function sketch (bits: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(SKETCH_BYTES)
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | 1 << (bit & 7)
  return bytes
}
