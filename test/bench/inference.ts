import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadModel } from '../../src/adapters/onnx/load-model.ts'
import { parseManifest } from '../../src/adapters/onnx/manifest.ts'
import { TENSOR_SIZE } from '../../src/core/tensor/tensor-table.ts'
import type { Scorer } from '../../src/ports/scorer.ts'
import type { Figure } from './figure.ts'
import { quantile } from './quantile.ts'

export const MODELS = join(import.meta.dirname, '../../models')
const BATCH = 32
const SINGLES = 6000
const BATCHES = 1500
const WARM_UP = 500

/** Multiply-adds of one tensor in the shipped graph: convolution, LSTM and dense layers (models/training/model.py). */
function multiplyAdds (columns: number, classes: number): number {
  const [steps, filters, kernel, features, hidden, dense] = [10, 32, 4, 12, 64, 32]
  return steps * filters * kernel * features + steps * 4 * hidden * (filters + hidden) + (hidden + columns) * dense + dense * classes
}

interface Batch { readonly count: number, readonly tensors: Float32Array, readonly contexts: Float32Array }

/** `count` real tensors: the manifest's golden vectors, in turn. */
async function realBatch (count: number): Promise<Batch> {
  const path = join(MODELS, 'manifest.json')
  const { golden } = parseManifest(await readFile(path, 'utf8'), path)
  const rows = Array.from({ length: count }, (_, index) => golden[index % golden.length]).filter((row) => row !== undefined)
  return { count, tensors: Float32Array.from(rows.flatMap(({ tensor }) => tensor)), contexts: Float32Array.from(rows.flatMap(({ context }) => context)) }
}

export async function milliseconds (runs: number, work: () => Promise<unknown>, warmUp = WARM_UP): Promise<Float64Array> {
  const times = new Float64Array(runs)
  for (let run = -warmUp; run < runs; run++) {
    const started = performance.now()
    await work()
    if (run >= 0) times[run] = performance.now() - started
  }
  return times
}

/** A matrix times a vector with as many multiply-adds as one tensor takes, in plain JavaScript: what the runtime is worth. */
function plainProduct (size: number): () => Promise<number> {
  const matrix = new Float32Array(size).fill(0.5)
  const width = 256
  const vector = new Float32Array(width).fill(0.25)
  return async () => {
    let total = 0
    for (let start = 0; start + width <= size; start += width) {
      let sum = 0
      for (let column = 0; column < width; column++) sum += (matrix[start + column] ?? 0) * (vector[column] ?? 0)
      total += sum
    }
    return total
  }
}

async function oneTensor (scorer: Scorer, one: Batch, many: Batch): Promise<Float64Array> {
  let at = 0
  return await milliseconds(SINGLES, async () => {
    // A fresh tensor each time, so that nothing is measured from a warm cache alone.
    one.tensors.set(many.tensors.subarray(at * TENSOR_SIZE, (at + 1) * TENSOR_SIZE))
    at = (at + 1) % many.count
    return await scorer.score(1, one.tensors, one.contexts)
  })
}

export async function inferenceFigures (): Promise<Figure[]> {
  await using scorer = await loadModel(MODELS)
  const [one, many] = [await realBatch(1), await realBatch(BATCH)]
  const single = await oneTensor(scorer, one, many)
  const batched = await milliseconds(BATCHES, async () => await scorer.score(BATCH, many.tensors, many.contexts))
  const plain = await milliseconds(SINGLES, plainProduct(multiplyAdds(scorer.model.contextColumns.length, scorer.model.classes.length)))
  const time = (name: string, share: number): Figure => {
    const [value, beside] = [quantile(single, share), quantile(plain, share)]
    return { name: `inference.${name}`, value, unit: 'ms', beside: { name: 'plain product of as many multiply-adds', value: beside }, ratio: value / beside }
  }
  const perSecond = BATCH * BATCHES / batched.reduce((sum, value) => sum + value, 0) * 1000
  const plainPerSecond = SINGLES / plain.reduce((sum, value) => sum + value, 0) * 1000
  return [
    time('p50_ms', 0.5), time('p95_ms', 0.95), time('p99_ms', 0.99),
    { name: 'inference.tensors_per_s', value: perSecond, unit: 'tensors/s', beside: { name: 'plain product of as many multiply-adds', value: plainPerSecond }, ratio: perSecond / plainPerSecond },
  ]
}
