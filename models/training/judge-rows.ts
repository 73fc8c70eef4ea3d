// `node models/training/judge-rows.ts ROWS < rows > probabilities`: the fixed thresholds of models/evaluation/rules.ts on rows of a data set, for ablation.py.
// In: float32 [ROWS, 20 x 12], then [ROWS, context]. Out: float32 [ROWS, 6], in the order of the shipped classes.
import { buffer } from 'node:stream/consumers'
import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import { TENSOR_SIZE } from '../../src/core/tensor/tensor-table.ts'
import { rulesScorer } from '../evaluation/rules.ts'

const rows = Number(process.argv[2])
const given = await buffer(process.stdin)
const expected = rows * (TENSOR_SIZE + CONTEXT_COLUMNS.length) * 4
if (given.length !== expected) throw new Error(`${given.length} bytes were given, ${rows} rows have ${expected}`)
const values = new Float32Array(given.buffer.slice(given.byteOffset, given.byteOffset + given.length))
const said = await rulesScorer().score(rows, values.subarray(0, rows * TENSOR_SIZE), values.subarray(rows * TENSOR_SIZE))
process.stdout.write(new Uint8Array(said.buffer))
