import { askOf, type AskLogOdds } from '../../../src/core/explain/log-odds.ts'
import type { Occluded } from '../../../src/core/explain/occlusion.ts'
import { CONTEXT_COLUMNS } from '../../../src/core/tensor/context.ts'
import { TENSOR_SIZE } from '../../../src/core/tensor/tensor-table.ts'
import { FEATURES, type FeatureName } from '../../../src/core/window/window.ts'

export type Values = Partial<Record<FeatureName, number>>

/** The newest windows all alike, `silent` older ones with nothing in them. */
export function tensorWith (values: Values, silent = 19): Float32Array {
  const tensor = new Float32Array(TENSOR_SIZE)
  for (let row = silent; row < 20; row++) tensor.set(FEATURES.map((name) => values[name] ?? 0), row * FEATURES.length)
  return tensor
}

/** Every feature is usually 1, every context column is 8. */
export const occluded = (tensor: Float32Array): Occluded =>
  ({ tensor, context: new Float32Array(CONTEXT_COLUMNS.length).fill(8), contextColumns: CONTEXT_COLUMNS, usual: FEATURES.map(() => 1), usualContext: null })

/** The log-odds of the second of two classes are what `logOdds` makes of the newest window and the context columns; counts the rows that it was asked for. */
export function toyScorer (of: Occluded, logOdds: (value: (name: string) => number) => number): { ask: AskLogOdds, rows: () => number } {
  let rows = 0
  const ask = askOf(of, 2, 1, async ({ count, tensors, contexts }) => {
    rows += count
    return Float32Array.from({ length: 2 * count }, (_, index) => {
      const row = Math.floor(index / 2)
      const valueOf = (name: string): number => (FEATURES as readonly string[]).includes(name)
        ? tensors[(row + 1) * TENSOR_SIZE - FEATURES.length + FEATURES.findIndex((feature) => feature === name)] ?? NaN
        : contexts[row * CONTEXT_COLUMNS.length + CONTEXT_COLUMNS.indexOf(name)] ?? NaN
      return 1 / (1 + Math.exp(index % 2 === 1 ? -logOdds(valueOf) : logOdds(valueOf)))
    })
  })
  return { ask, rows: () => rows }
}
