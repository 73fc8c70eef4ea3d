import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { OwnTechniques } from '../../src/core/classes.ts'
import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import { TENSOR_SIZE, type TensorView } from '../../src/core/tensor/tensor-table.ts'
import { FEATURES, FEATURE_SCHEMA, KEY_KINDS, STEPS_MS } from '../../src/core/window/window.ts'

/** Columns of the samples' table, all int32. `key` is a number within its run and kind; `attack` an index into the run's attacks, or -1. */
export const SAMPLE_COLUMNS = ['run', 'label', 'kind', 'step', 'key', 'attack', 'attack_packets'] as const
export type Sample = Readonly<Record<(typeof SAMPLE_COLUMNS)[number], number>>

/** Where a run's rows come from and what may be done with them. */
export interface RunEntry {
  readonly name: string
  readonly source: string
  readonly licence: string
  /** Runs of one scenario are alike: a split takes its share of each. */
  readonly scenario: string
  readonly attacks: readonly { readonly class: string, readonly tool: string, readonly service: string, readonly manner: string, readonly rate: number | null }[]
  /** Ordinary traffic that is known by its service; nothing of a capture whose traffic nobody has listed. */
  readonly benign: readonly { readonly service: string, readonly rate: number | null }[]
}

/** A growing row-major table of fixed width. */
class Rows<T extends Float32Array | Int32Array> {
  count = 0
  values: T
  readonly width: number
  readonly #make: (length: number) => T

  constructor (width: number, make: (length: number) => T) {
    this.width = width
    this.#make = make
    this.values = make(1024 * width)
  }

  /** Makes room for one more row, and has it written at its offset. */
  append (write: (values: T, offset: number) => void): void {
    if ((this.count + 1) * this.width > this.values.length) {
      const larger = this.#make(this.values.length * 2)
      larger.set(this.values)
      this.values = larger
    }
    write(this.values, this.count++ * this.width)
  }
}

/** Collects labelled tensors and writes them as a folder that dataset.py reads. */
export class DatasetWriter {
  /** BENIGN first; labels are indices into it. */
  readonly classes: readonly string[]
  readonly #techniques: OwnTechniques
  readonly #runs: RunEntry[] = []
  readonly #tensors = new Rows(TENSOR_SIZE, (length) => new Float32Array(length))
  readonly #contexts = new Rows(CONTEXT_COLUMNS.length, (length) => new Float32Array(length))
  readonly #samples = new Rows(SAMPLE_COLUMNS.length, (length) => new Int32Array(length))

  constructor (classes: readonly string[], techniques: OwnTechniques = {}) {
    this.classes = classes
    this.#techniques = techniques
  }

  get count (): number {
    return this.#samples.count
  }

  /** The number of a new run, for its samples. */
  addRun (run: RunEntry): number {
    return this.#runs.push(run) - 1
  }

  add (sample: Sample, view: Pick<TensorView, 'writeTensor' | 'writeContext'>): void {
    this.#tensors.append((values, offset) => view.writeTensor(values, offset))
    this.#contexts.append((values, offset) => view.writeContext(values, offset))
    this.#samples.append((values, offset) => values.set(SAMPLE_COLUMNS.map((name) => sample[name]), offset))
  }

  async write (folder: string): Promise<void> {
    await mkdir(folder, { recursive: true })
    const index = {
      apiVersion: 'autoshield.dev/v1alpha1',
      kind: 'TrainingSet',
      featureSchema: FEATURE_SCHEMA,
      features: FEATURES,
      contextColumns: CONTEXT_COLUMNS,
      classes: this.classes,
      techniques: this.#techniques,
      kinds: KEY_KINDS,
      stepsMs: STEPS_MS,
      sampleColumns: SAMPLE_COLUMNS,
      count: this.count,
      runs: this.#runs,
    }
    await writeFile(join(folder, 'index.json'), JSON.stringify(index) + '\n')
    await writeTable(join(folder, 'tensors.f32.gz'), this.#tensors)
    await writeTable(join(folder, 'contexts.f32.gz'), this.#contexts)
    await writeTable(join(folder, 'samples.i32.gz'), this.#samples)
  }
}

/** Bytes of equal significance come together before compression (little-endian): half the size of the plain rows. */
async function writeTable (path: string, rows: Rows<Float32Array | Int32Array>): Promise<void> {
  const count = rows.count * rows.width
  const bytes = new Uint8Array(rows.values.buffer, 0, count * 4)
  const planes = new Uint8Array(count * 4)
  for (let plane = 0; plane < 4; plane++) {
    for (let index = 0; index < count; index++) planes[plane * count + index] = bytes[index * 4 + plane] ?? 0
  }
  await writeFile(path, await promisify(gzip)(planes, { level: 9 }))
}
