import type { VerdictModel } from '../../../src/core/verdict/case.ts'
import type { Score } from '../../../src/core/verdict/score.ts'
import { COUNTERS, FEATURES, SKETCH_BYTES, TENSOR_WINDOWS, type StepMs, type WindowKey } from '../../../src/core/window/window.ts'

export const MODEL: VerdictModel = {
  version: 'm1',
  classes: ['BENIGN', 'PORT_SCAN', 'SYN_FLOOD'],
  thresholds: [1, 0.95, 0.9],
  usual: {},
}

export const PAIR: WindowKey = { kind: 'pair', source: '10.0.0.7', destination: '10.0.0.9' }
/** The observer of 10.0.0.9. */
export const VICTIM = 'spiffe://autoshield.local/ns/shop/pod/u9'
export const ATTACKER = 'spiffe://autoshield.local/ns/shop/pod/u7'

export interface Made {
  key?: WindowKey
  stepMs?: StepMs
  /** End of the newest window, Unix ms; rounded down to the step. */
  endMs?: number
  reporter?: string
  simulated?: boolean
  /** Busy windows before the newest. */
  run?: number
  /** Flows whose source is not known to be real. */
  unproved?: number
  features?: Partial<Record<(typeof FEATURES)[number], number>>
  counters?: Partial<Record<(typeof COUNTERS)[number], number>>
}

/** Three connections that the source began. */
const USUAL: Made['features'] & object = { flow_count: 3, iat_mean_ms: 20 }

export const T0 = Date.UTC(2026, 0, 2, 3, 4, 0)

/** A score in which every class has the probability that is named, BENIGN what is left. */
export function madeScore (probabilities: { PORT_SCAN?: number, SYN_FLOOD?: number }, made: Made = {}): Score {
  const { key = PAIR, stepMs = 500, endMs = T0 + 500, reporter = VICTIM, simulated = false, run = 0 } = made
  const { PORT_SCAN = 0.001, SYN_FLOOD = 0.001 } = probabilities
  const windowNumber = Math.floor(endMs / stepMs) - 1
  const features = Float64Array.from(FEATURES, (name) => made.features?.[name] ?? USUAL[name] ?? 0)
  const tensor = new Float32Array(TENSOR_WINDOWS * FEATURES.length)
  for (let row = TENSOR_WINDOWS - 1 - run; row < TENSOR_WINDOWS; row++) tensor.set(features, row * FEATURES.length)
  return {
    reporter,
    key,
    stepMs,
    windowNumber,
    probabilities: Float32Array.of(1 - PORT_SCAN - SYN_FLOOD, PORT_SCAN, SYN_FLOOD),
    tensor,
    context: new Float32Array(0),
    unproved: made.unproved ?? 0,
    window: {
      key,
      stepMs,
      number: windowNumber,
      firstPacketMs: windowNumber * stepMs + 100,
      features,
      counters: Float64Array.from(COUNTERS, (name) => made.counters?.[name] ?? 0),
      ports: [],
      portSketch: new Uint8Array(SKETCH_BYTES),
      peerSketch: new Uint8Array(SKETCH_BYTES),
      quality: 0,
    },
    receivedAtMs: endMs,
    simulated,
  }
}
