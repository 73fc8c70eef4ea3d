import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadModel } from '../../src/adapters/onnx/load-model.ts'
import { parseManifest } from '../../src/adapters/onnx/manifest.ts'
import { usualKey } from '../../src/core/explain/occlusion.ts'
import { KEY_KINDS, STEPS_MS, type WindowKey } from '../../src/core/window/window.ts'
import { accountOf } from '../../src/detector/account-of.ts'
import type { Figure } from './figure.ts'
import { milliseconds, MODELS } from './inference.ts'
import { quantile } from './quantile.ts'

const ROUNDS = 1_000
const WARM_UP = 100
/** Rows of a plain run: as many as the detector scores at one time. */
const BATCH = 32

/** A whole explanation (every round of scoring, and the nearest example) of the golden vectors that are attacks, beside one full batch of plain scoring. */
export async function explainFigures (): Promise<Figure[]> {
  await using scorer = await loadModel(MODELS)
  const path = join(MODELS, 'manifest.json')
  const { golden } = parseManifest(await readFile(path, 'utf8'), path)
  const { classes, contextColumns, usual } = scorer.model
  const asked = golden.map(({ tensor, context, probabilities }) => {
    const is = (column: string): boolean => context[contextColumns.indexOf(column)] === 1
    const kind = KEY_KINDS.find((name) => is(`kind_${name.replace('-', '_')}`)) ?? 'pair'
    const stepMs = STEPS_MS.find((step) => is(`step_${step}ms`)) ?? STEPS_MS[0]
    const key = { kind, source: '10.0.0.1', destination: '10.0.0.2' } as WindowKey
    const className = classes[probabilities.indexOf(Math.max(...probabilities))] ?? ''
    return { className, score: { key, stepMs, tensor: Float32Array.from(tensor), context: Float32Array.from(context) }, usual: usual[usualKey(kind, stepMs)] ?? [] }
  }).filter(({ className }) => className !== classes[0])
  let at = 0
  const took = await milliseconds(ROUNDS, async () => {
    const one = asked[at++ % asked.length]
    if (one !== undefined) await accountOf(scorer, one.score, one.className, one.usual)
  }, WARM_UP)
  const rows = Array.from({ length: BATCH }, (_, index) => golden[index % golden.length]).filter((row) => row !== undefined)
  const [tensors, contexts] = [Float32Array.from(rows.flatMap(({ tensor }) => tensor)), Float32Array.from(rows.flatMap(({ context }) => context))]
  const plain = await milliseconds(ROUNDS, async () => await scorer.score(BATCH, tensors, contexts), WARM_UP)
  const figure = (name: string, share: number): Figure => {
    const [value, beside] = [quantile(took, share), quantile(plain, share)]
    return { name: `explain.${name}`, value, unit: 'ms', beside: { name: `plain scoring of ${BATCH} tensors`, value: beside }, ratio: value / beside }
  }
  return [figure('p50_ms', 0.5), figure('p95_ms', 0.95)]
}
