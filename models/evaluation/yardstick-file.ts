import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { AutoshieldError } from '../../src/core/errors.ts'
import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import { TENSOR_SIZE } from '../../src/core/tensor/tensor-table.ts'
import { FEATURES, FEATURE_SCHEMA, TENSOR_WINDOWS } from '../../src/core/window/window.ts'

const Numbers = Type.Array(Type.Number())

/** Nodes, each before its left side and that before its right. */
const Tree = Type.Object({
  column: Type.Array(Type.Integer({ minimum: -1 }), { minItems: 1, description: 'What is asked for; -1: a leaf.' }),
  value: Type.Array(Type.Number(), { description: 'The limit up to which a row goes left; of a leaf, what it adds.' }),
  right: Type.Array(Type.Integer({ minimum: 0 }), { description: 'The node where the right side begins.' }),
}, { additionalProperties: false })
export type Tree = Static<typeof Tree>

const common = {
  apiVersion: Type.Literal('autoshield.dev/v1alpha1'),
  kind: Type.Literal('Yardstick'),
  name: Type.String({ minLength: 1, maxLength: 100 }),
  featureSchema: Type.Literal(FEATURE_SCHEMA),
  features: Type.Array(Type.Union(FEATURES.map((name) => Type.Literal(name))), { minItems: 1, description: 'Those that are read.' }),
  contextColumns: Type.Array(Type.String()),
  classes: Type.Array(Type.String(), { minItems: 2 }),
  thresholds: Numbers,
  golden: Type.Array(Type.Object({ tensor: Numbers, context: Numbers, probabilities: Numbers }, { additionalProperties: false }), { minItems: 1, maxItems: 32 }),
  crossValidation: Type.Unknown(),
}

/** What make_yardsticks.py writes: a judge that stands beside the model. Its calibration is folded in. */
const YardstickFile = Type.Union([
  Type.Object({ ...common, trees: Type.Object({ base: Numbers, rounds: Type.Array(Type.Array(Tree), { description: 'Of one tree a class.' }) }, { additionalProperties: false }) }, { additionalProperties: false }),
  Type.Object({ ...common, linear: Type.Object({ mean: Numbers, scale: Numbers, limit: Type.Number(), weights: Type.Array(Numbers), bias: Numbers }, { additionalProperties: false }) }, { additionalProperties: false }),
])
export type YardstickFile = Static<typeof YardstickFile>

const MEND = 'restore it from the release, or make it anew with models/training/make_yardsticks.py'

/** Columns of a row as `columnsOf` in yardstick-scorer.ts lays it: windows, means, maxima, context. */
export const columnCount = ({ features }: Pick<YardstickFile, 'features'>): number => (TENSOR_WINDOWS + 2) * features.length + CONTEXT_COLUMNS.length

/** Reads one file and holds its sizes to each other. Throws BAD_DATA that names file and place. */
export async function readYardstick (path: string): Promise<YardstickFile> {
  const value = await parsed(path)
  if (!Value.Check(YardstickFile, value)) {
    const [first] = Value.Errors(YardstickFile, value)
    throw new AutoshieldError('BAD_DATA', `${path} is no yardstick: ${first?.instancePath || 'the document'} ${first?.message ?? 'is wrong'}; ${MEND}`)
  }
  const expect = (what: string, found: unknown, expected: unknown): void => {
    if (JSON.stringify(found) === JSON.stringify(expected)) return
    throw new AutoshieldError('BAD_DATA', `${path}: ${what} is ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}; ${MEND}`)
  }
  const [classes, columns] = [value.classes.length, columnCount(value)]
  expect('contextColumns', value.contextColumns, CONTEXT_COLUMNS)
  expect('the number of thresholds', value.thresholds.length, classes)
  for (const [index, { tensor, context, probabilities }] of value.golden.entries()) expect(`the shape of golden[${index}]`, [tensor.length, context.length, probabilities.length], [TENSOR_SIZE, CONTEXT_COLUMNS.length, classes])
  if ('trees' in value) {
    expect('the length of trees.base', value.trees.base.length, classes)
    for (const [round, trees] of value.trees.rounds.entries()) {
      expect(`the number of trees of round ${round}`, trees.length, classes)
      for (const [index, tree] of trees.entries()) expect(`the first unsound node of tree ${index} of round ${round}`, unsoundNode(tree, columns), -1)
    }
  } else {
    const { mean, scale, weights, bias } = value.linear
    expect('the shape of linear', [mean.length, scale.length, bias.length, ...weights.map((row) => row.length)], [columns, columns, classes, ...value.classes.map(() => columns)])
  }
  return value
}

/** A node that asks for no column or leads nowhere further on; -1 where every way through the tree ends in a leaf. */
function unsoundNode ({ column, value, right }: Tree, columns: number): number {
  if (value.length !== column.length || right.length !== column.length) return 0
  return column.findIndex((asked, at) => asked >= columns || (asked >= 0 && !((right[at] ?? 0) > at + 1 && (right[at] ?? 0) < column.length)))
}

async function parsed (path: string): Promise<unknown> {
  try {
    return JSON.parse((await promisify(gunzip)(await readFile(path))).toString('utf8'))
  } catch (cause) {
    throw new AutoshieldError('BAD_DATA', `${path} cannot be read as compressed JSON; ${MEND}`, { cause })
  }
}
