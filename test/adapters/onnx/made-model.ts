import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { ModelManifest } from '../../../src/adapters/onnx/manifest.ts'
import { CONTEXT_COLUMNS } from '../../../src/core/tensor/context.ts'
import { TENSOR_SIZE } from '../../../src/core/tensor/tensor-table.ts'
import { FEATURES, FEATURE_SCHEMA, TENSOR_WINDOWS } from '../../../src/core/window/window.ts'

export type Write = (writer: BinaryWriter) => BinaryWriter
export const message = (number: number, write: Write): Write => (writer) => write(writer.tag(number, WireType.LengthDelimited).fork()).join()
export const text = (number: number, value: string): Write => (writer) => writer.tag(number, WireType.LengthDelimited).string(value)
export const whole = (number: number, value: number): Write => (writer) => writer.tag(number, WireType.Varint).int64(value)
export const all = (...parts: Write[]): Write => (writer) => parts.reduce((to, part) => part(to), writer)
export const file = (...parts: Write[]): Uint8Array => all(...parts)(new BinaryWriter()).finish()

const floats = (name: string, dims: readonly number[], values: Float32Array): Write => message(5, all(
  ...dims.map((dim) => whole(1, dim)), whole(2, 1), text(8, name),
  (writer) => writer.tag(9, WireType.LengthDelimited).bytes(new Uint8Array(values.buffer))))
const value = (number: number, name: string, dims: readonly (number | string)[]): Write => message(number, all(text(1, name), message(2, message(1, all(
  whole(1, 1), message(2, all(...dims.map((dim) => message(1, typeof dim === 'number' ? whole(1, dim) : text(2, dim))))))))))

export interface MadeModel { readonly version: string, readonly classes: readonly string[], readonly probabilities: readonly number[], readonly techniques?: NonNullable<ModelManifest['techniques']> }

/** A model that gives every tensor the same probabilities, as a graph and a manifest that agree. */
export function makeModel ({ version, classes, probabilities, techniques }: MadeModel): { readonly graph: Uint8Array, readonly manifest: ModelManifest } {
  const [columns, count] = [CONTEXT_COLUMNS.length, classes.length]
  const graph = file(whole(1, 10), message(8, whole(2, 17)), message(7, all(
    message(1, all(text(1, 'context'), text(1, 'weight'), text(1, 'bias'), text(2, 'logits'), text(4, 'Gemm'))),
    message(1, all(text(1, 'logits'), text(2, 'probabilities'), text(4, 'Softmax'), message(5, all(text(1, 'axis'), whole(3, 1), whole(20, 2))))),
    text(2, 'made'),
    floats('weight', [columns, count], new Float32Array(columns * count)),
    floats('bias', [count], Float32Array.from(probabilities, Math.log)),
    value(11, 'tensor', ['N', TENSOR_WINDOWS, FEATURES.length]), value(11, 'context', ['N', columns]), value(12, 'probabilities', ['N', count]))))
  return {
    graph,
    manifest: {
      apiVersion: 'autoshield.dev/v1alpha1',
      kind: 'ModelManifest',
      version,
      file: 'model.onnx',
      bytes: graph.length,
      sha256: createHash('sha256').update(graph).digest('hex'),
      featureSchema: FEATURE_SCHEMA,
      windows: TENSOR_WINDOWS,
      features: [...FEATURES],
      contextColumns: [...CONTEXT_COLUMNS],
      classes: [...classes],
      ...(techniques !== undefined && { techniques }),
      thresholds: classes.map((_, index) => index === 0 ? 1 : 0.5),
      calibration: { temperature: 1, note: '' },
      golden: [{ tensor: Array<number>(TENSOR_SIZE).fill(0), context: Array<number>(columns).fill(0), probabilities: [...probabilities] }],
      usual: {},
      metrics: {},
      data: [],
    },
  }
}

/** The same in a folder. */
export async function writeModel (folder: string, model: MadeModel): Promise<string> {
  const { graph, manifest } = makeModel(model)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'model.onnx'), graph)
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
  return folder
}
