import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AutoshieldError } from '../../src/core/errors.ts'
import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import { TENSOR_SIZE } from '../../src/core/tensor/tensor-table.ts'
import { FEATURES, TENSOR_WINDOWS } from '../../src/core/window/window.ts'
import type { Scorer } from '../../src/ports/scorer.ts'
import { columnCount, readYardstick, type Tree, type YardstickFile } from './yardstick-file.ts'

/** Files round to seven digits; a limit between two values is hit by neither. */
const GOLDEN_TOLERANCE = 1e-3

/** All yardsticks of a folder, by name; none where there is no folder. Throws BAD_DATA where one is not what make_yardsticks.py wrote. */
export async function yardsticksIn (folder: string): Promise<Scorer[]> {
  if (!existsSync(folder)) return []
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json.gz')).sort()
  return await Promise.all(files.map(async (name) => await loadYardstick(join(folder, name))))
}

/** Throws BAD_DATA where the file is broken, or computes here something else than where it was made. */
export async function loadYardstick (path: string): Promise<Scorer> {
  const file = await readYardstick(path)
  const scorer = scorerOf(file)
  for (const [index, { tensor, context, probabilities }] of file.golden.entries()) {
    const found = await scorer.score(1, Float32Array.from(tensor), Float32Array.from(context))
    const at = probabilities.findIndex((value, place) => !(Math.abs(value - (found[place] ?? NaN)) <= GOLDEN_TOLERANCE))
    if (at >= 0) {
      throw new AutoshieldError('BAD_DATA', `${path}: golden[${index}] ${file.classes[at] ?? ''} is ${found[at] ?? NaN}, expected ${probabilities[at] ?? NaN}; make it anew with models/training/make_yardsticks.py`)
    }
  }
  return scorer
}

function scorerOf (file: YardstickFile): Scorer {
  const { classes, thresholds, contextColumns, name } = file
  const read = file.features.map((feature) => FEATURES.indexOf(feature))
  const row = new Float64Array(columnCount(file))
  const logits = new Float64Array(classes.length)
  const judge = 'trees' in file ? treesOf(file.trees) : linearOf(file.linear)
  return {
    model: { version: name, classes, contextColumns, thresholds, usual: {}, known: null },
    prototypes: null,
    score: async (count, tensors, contexts) => {
      const probabilities = new Float32Array(count * classes.length)
      for (let at = 0; at < count; at++) {
        layColumns(row, read, tensors.subarray(at * TENSOR_SIZE), contexts.subarray(at * CONTEXT_COLUMNS.length, (at + 1) * CONTEXT_COLUMNS.length))
        judge(row, logits)
        const highest = Math.max(...logits)
        const total = logits.reduce((sum, each) => sum + Math.exp(each - highest), 0)
        for (const [index, each] of logits.entries()) probabilities[at * classes.length + index] = Math.exp(each - highest) / total
      }
      return probabilities
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

/** Writes a row as yardsticks.py's `columns_of` does: windows oldest first, then means, maxima and the context. */
function layColumns (row: Float64Array, read: readonly number[], tensor: Float32Array, context: Float32Array): void {
  const [means, maxima] = [TENSOR_WINDOWS * read.length, (TENSOR_WINDOWS + 1) * read.length]
  for (const [index, feature] of read.entries()) {
    let [sum, highest] = [0, 0]
    for (let window = 0; window < TENSOR_WINDOWS; window++) {
      const value = tensor[window * FEATURES.length + feature] ?? 0
      row[window * read.length + index] = value
      sum += value
      highest = Math.max(highest, value)
    }
    row[means + index] = sum / TENSOR_WINDOWS
    row[maxima + index] = highest
  }
  row.set(context, maxima + read.length)
}

/** Writes the logits of a row. */
type Judging = (row: Float64Array, logits: Float64Array) => void

function treesOf ({ base, rounds }: Extract<YardstickFile, { trees: unknown }>['trees']): Judging {
  return (row, logits) => {
    logits.set(base)
    for (const trees of rounds) for (const [index, tree] of trees.entries()) logits[index] = (logits[index] ?? 0) + leafOf(tree, row)
  }
}

function leafOf ({ column, value, right }: Tree, row: Float64Array): number {
  let at = 0
  for (let asked = column[at] ?? -1; asked >= 0; asked = column[at] ?? -1) at = (row[asked] ?? 0) <= (value[at] ?? 0) ? at + 1 : right[at] ?? 0
  return value[at] ?? 0
}

function linearOf ({ mean, scale, limit, weights, bias }: Extract<YardstickFile, { linear: unknown }>['linear']): Judging {
  return (row, logits) => {
    const scaled = row.map((value, column) => Math.min(limit, Math.max(-limit, (Math.log1p(Math.max(0, value)) - (mean[column] ?? 0)) * (scale[column] ?? 0))))
    for (const [index, each] of weights.entries()) logits[index] = each.reduce((sum, weight, column) => sum + weight * (scaled[column] ?? 0), bias[index] ?? 0)
  }
}
