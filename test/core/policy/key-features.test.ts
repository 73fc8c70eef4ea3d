import t from 'tap'
import { featureOver, nearestWindows, stepFor, type KeyTensor } from '../../../src/core/policy/key-features.ts'
import { FEATURES, TENSOR_WINDOWS, type FeatureName, type StepMs } from '../../../src/core/window/window.ts'

const AT_MS = 1_800_000_000_000

/** A tensor that ends with the last closed window; `rows` are the newest rows, oldest first, all before are silent. */
function tensorOf (stepMs: StepMs, rows: readonly Partial<Record<FeatureName, number>>[], lag = 0): KeyTensor {
  const tensor = new Float32Array(TENSOR_WINDOWS * FEATURES.length)
  rows.forEach((row, index) => FEATURES.forEach((feature, column) => {
    tensor[(TENSOR_WINDOWS - rows.length + index) * FEATURES.length + column] = row[feature] ?? 0
  }))
  return { stepMs, tensor, windowNumber: Math.floor(AT_MS / stepMs) - 1 - lag }
}

t.test('a window is made of whole steps of the shortest step that reaches so far', (t) => {
  const table: [number, StepMs | null][] = [
    [1, 500], [10, 500], [11, null], [15, 15_000], [20, null], [60, 15_000], [300, 15_000], [301, null], [360, 60_000], [1200, 60_000], [1260, null], [0, null],
  ]
  for (const [seconds, step] of table) t.equal(stepFor(seconds), step, `${seconds} s`)
  t.strictSame(nearestWindows(20), [15, 30])
  t.strictSame(nearestWindows(310), [300, 360])
  t.strictSame(nearestWindows(5000), [1200])
  t.end()
})

t.test('a window of 60 s is the last 4 rows of the 15 s tensor: sums are added, means taken over the steps with traffic', (t) => {
  const rows = [
    { flow_count: 9, bytes_sent: 900, duration_s: 90, failed_conn_ratio: 0.9 },
    { flow_count: 1, bytes_sent: 10, duration_s: 2, failed_conn_ratio: 1, unique_ports: 3 },
    {},
    { flow_count: 2, bytes_sent: 20, duration_s: 4, failed_conn_ratio: 0, unique_ports: 3 },
    { flow_count: 3, bytes_sent: 30, duration_s: 6, failed_conn_ratio: 0.5, unique_ports: 3 },
  ]
  const value = (feature: FeatureName, seconds = 60): unknown => featureOver(seconds, [tensorOf(15_000, rows)], AT_MS, feature)
  t.strictSame(value('bytes_sent'), { type: 'number', low: 60, high: 60 })
  t.strictSame(value('flow_count'), { type: 'number', low: 6, high: 6 })
  t.strictSame(value('unique_ports'), { type: 'number', low: 9, high: 9 })
  t.strictSame(value('duration_s'), { type: 'number', low: 4, high: 4 })
  t.strictSame(value('failed_conn_ratio'), { type: 'number', low: 0.5, high: 0.5 })
  t.strictSame(value('bytes_sent', 75), { type: 'number', low: 960, high: 960 })
  t.strictSame(value('bytes_sent', 15), { type: 'number', low: 30, high: 30 })
  t.strictSame(featureOver(60, [tensorOf(15_000, [])], AT_MS, 'duration_s'), { type: 'number', low: 0, high: 0 }, 'silence has no duration')
  t.end()
})

t.test('a part of the window bounds a sum from below and says nothing of a mean', (t) => {
  const part = tensorOf(500, [{ flow_count: 1, bytes_sent: 7 }, { flow_count: 1, bytes_sent: 8 }])
  t.strictSame(featureOver(60, [part], AT_MS, 'bytes_sent'), { type: 'number', low: 15, high: Infinity })
  t.equal(featureOver(60, [part], AT_MS, 'duration_s').type, 'unknown')
  t.equal(featureOver(60, [], AT_MS, 'bytes_sent').type, 'unknown')
  const both = [part, tensorOf(15_000, [{ flow_count: 1, bytes_sent: 100 }])]
  t.strictSame(featureOver(60, both, AT_MS, 'bytes_sent'), { type: 'number', low: 100, high: 100 }, 'the window\'s own step is exact')
  t.strictSame(featureOver(600, both, AT_MS, 'bytes_sent'), { type: 'number', low: 100, high: Infinity }, 'the larger of two parts')
  t.equal(featureOver(5, [tensorOf(15_000, [{ flow_count: 1 }])], AT_MS, 'flow_count').type, 'unknown', 'a longer step cannot be cut')
  t.end()
})

t.test('a tensor that ends before the last closed window is not taken for the newest', (t) => {
  t.equal(featureOver(60, [tensorOf(15_000, [{ flow_count: 1 }], 1)], AT_MS, 'flow_count').type, 'unknown')
  t.end()
})
