import t from 'tap'
import { activeRows, movableParts, occlusionBatch, type Occluded } from '../../../src/core/explain/occlusion.ts'
import { CONTEXT_COLUMNS } from '../../../src/core/tensor/context.ts'
import { TENSOR_SIZE } from '../../../src/core/tensor/tensor-table.ts'
import { FEATURES, type FeatureName } from '../../../src/core/window/window.ts'
import { occluded, tensorWith } from './toy-scorer.ts'

const tensorAt = (tensors: Float32Array, row: number, window: number, feature: FeatureName): number => tensors[row * TENSOR_SIZE + window * FEATURES.length + FEATURES.indexOf(feature)] ?? NaN
const contextAt = (contexts: Float32Array, row: number, column: string): number => contexts[row * CONTEXT_COLUMNS.length + CONTEXT_COLUMNS.indexOf(column)] ?? NaN
const whole = (of: Occluded, parts: readonly string[], share = 1) => ({ parts, windows: activeRows(of.tensor), share })

t.test('a variant is the tensor with its parts at what is usual, in the windows that it names', (t) => {
  const of = occluded(tensorWith({ flow_count: 9, syn_count: 40 }, 17))
  const { count, tensors } = occlusionBatch(of, [whole(of, []), whole(of, ['flow_count']), { parts: FEATURES, windows: [18], share: 1 }])
  t.equal(count, 3)
  t.same(tensors.subarray(0, TENSOR_SIZE), of.tensor)
  t.same([17, 18, 19].map((window) => tensorAt(tensors, 1, window, 'flow_count')), [1, 1, 1])
  t.equal(tensorAt(tensors, 1, 19, 'syn_count'), 40)
  t.same([17, 18, 19].map((window) => tensorAt(tensors, 2, window, 'syn_count')), [40, 1, 40])
  t.end()
})

t.test('the way to the usual is even on a scale of log(1 + x)', (t) => {
  const of = occluded(tensorWith({ bytes_sent: 2 ** 11 - 1 }))
  const { tensors } = occlusionBatch(of, [0, 0.5, 1].map((share) => whole(of, ['bytes_sent'], share)))
  t.same([0, 1, 2].map((row) => Math.round(tensorAt(tensors, row, 19, 'bytes_sent'))), [2047, 2 ** 6 - 1, 1])
  t.end()
})

t.test('silence stays silence, and what was given is not changed', (t) => {
  const of = occluded(tensorWith({ flow_count: 4 }, 17))
  const before = of.tensor.slice()
  const { tensors } = occlusionBatch(of, [whole(of, FEATURES)])
  t.same(of.tensor, before)
  t.ok(tensors.subarray(0, 17 * FEATURES.length).every((value) => value === 0))
  t.end()
})

t.test('context columns that say the same as a feature fall with it', (t) => {
  const of = occluded(tensorWith({ unique_ports: 100, bytes_sent: 500 }))
  const { contexts } = occlusionBatch(of, [whole(of, ['unique_ports']), whole(of, ['bytes_sent'])])
  t.equal(contextAt(contexts, 0, 'distinct_ports'), Math.fround(0.08))
  t.equal(contextAt(contexts, 0, 'packets_sent'), 8)
  t.equal(contextAt(contexts, 1, 'distinct_ports'), 8)
  t.equal(contextAt(contexts, 1, 'mean_payload_sent'), Math.fround(8 / 500))
  t.end()
})

t.test('parts of the context are moved where the model says what is usual there, and only then', (t) => {
  const of = occluded(tensorWith({ flow_count: 1 }))
  t.same(movableParts(of), FEATURES)
  const told = { ...of, usualContext: CONTEXT_COLUMNS.map(() => 3) }
  t.ok(movableParts(told).includes('responder_port'))
  const { contexts } = occlusionBatch(told, [whole(told, ['responder_port'])])
  t.same(['port_login', 'port_high', 'share_tcp', 'kind_pair'].map((column) => contextAt(contexts, 0, column)), [3, 3, 8, 8])
  t.end()
})
