import t from 'tap'
import fc from 'fast-check'
import { OCCLUSION_ROWS, evidenceOf, occlusionBatch, type OcclusionBatch } from '../../../src/core/explain/occlusion.ts'
import { CONTEXT_COLUMNS } from '../../../src/core/tensor/context.ts'
import { TENSOR_SIZE } from '../../../src/core/tensor/tensor-table.ts'
import { FEATURES, type FeatureName } from '../../../src/core/window/window.ts'

/** A scorer whose attack probability rests on a weighted sum of the newest window's features, and on nothing else. */
const toyScorer = (weights: Partial<Record<FeatureName, number>>) => ({ count, tensors }: OcclusionBatch): Float32Array => {
  const out = new Float32Array(count * 2)
  for (let row = 0; row < count; row++) {
    const newest = tensors.subarray((row + 1) * TENSOR_SIZE - FEATURES.length, (row + 1) * TENSOR_SIZE)
    const sum = FEATURES.reduce((total, name, column) => total + (weights[name] ?? 0) * (newest[column] ?? 0), 0)
    out[row * 2 + 1] = sum / (1 + sum)
    out[row * 2] = 1 - sum / (1 + sum)
  }
  return out
}

const tensorWith = (newest: Partial<Record<FeatureName, number>>, silent = 19): Float32Array => {
  const tensor = new Float32Array(TENSOR_SIZE)
  for (let row = silent; row < 20; row++) tensor.set(FEATURES.map((name) => newest[name] ?? 0), row * FEATURES.length)
  return tensor
}
const context = new Float32Array(CONTEXT_COLUMNS.length).fill(8)
const usual = FEATURES.map(() => 1)

t.test('only the features that a scorer looks at carry its score, the weightiest first', (t) => {
  const tensor = tensorWith({ flow_count: 10, unique_ports: 200, syn_count: 40 })
  const evidence = evidenceOf(tensor, toyScorer({ unique_ports: 1, syn_count: 0.5 })(occlusionBatch(tensor, context, usual, CONTEXT_COLUMNS)), 1)
  t.same(evidence.slice(0, 2).map(({ feature, value }) => [feature, value]), [['unique_ports', 200], ['syn_count', 40]])
  t.ok(evidence.slice(2).every(({ contribution }) => contribution === 0))
  t.end()
})

t.test('a contribution is exactly what the probability loses, for any scorer and tensor', (t) => {
  const amounts = fc.array(fc.float({ min: 0, max: 1e6, noNaN: true }), { minLength: FEATURES.length, maxLength: FEATURES.length })
  fc.assert(fc.property(amounts, amounts, amounts, (values, weights, usual) => {
    const named = (list: number[]): Partial<Record<FeatureName, number>> => Object.fromEntries(FEATURES.map((name, index) => [name, list[index] ?? 0]))
    const tensor = tensorWith(named(values))
    const score = toyScorer(named(weights))
    const [, whole] = score({ count: 1, tensors: tensor, contexts: context })
    return evidenceOf(tensor, score(occlusionBatch(tensor, context, usual, CONTEXT_COLUMNS)), 1).every(({ feature, contribution }) => {
      const column = FEATURES.findIndex((name) => name === feature)
      const occluded = tensorWith({ ...named(values), ...values.some((value) => value !== 0) ? { [feature]: usual[column] } : {} })
      const [, rest] = score({ count: 1, tensors: occluded, contexts: context })
      return contribution === (whole ?? NaN) - (rest ?? NaN)
    })
  }))
  t.end()
})

t.test('silence stays silence, and what was given is not changed', (t) => {
  const tensor = tensorWith({ flow_count: 4 }, 17)
  const before = tensor.slice()
  const { count, tensors } = occlusionBatch(tensor, context, usual, CONTEXT_COLUMNS)
  t.equal(count, OCCLUSION_ROWS)
  t.same(tensor, before)
  for (let row = 0; row < count; row++) t.ok(tensors.subarray(row * TENSOR_SIZE, row * TENSOR_SIZE + 17 * FEATURES.length).every((value) => value === 0))
  t.end()
})

t.test('context columns that say the same as the feature fall with it', (t) => {
  const { contexts } = occlusionBatch(tensorWith({ unique_ports: 100, bytes_sent: 500 }), context, usual, CONTEXT_COLUMNS)
  const at = (feature: FeatureName, column: string): number => contexts[(1 + FEATURES.indexOf(feature)) * context.length + CONTEXT_COLUMNS.indexOf(column)] ?? NaN
  t.equal(at('unique_ports', 'distinct_ports'), Math.fround(0.08))
  t.equal(at('unique_ports', 'packets_sent'), 8)
  t.equal(at('bytes_sent', 'distinct_ports'), 8)
  t.equal(at('bytes_sent', 'mean_payload_sent'), Math.fround(8 / 500))
  t.end()
})
