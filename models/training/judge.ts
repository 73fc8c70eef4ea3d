import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import { TENSOR_SIZE } from '../../src/core/tensor/tensor-table.ts'
import { keyId } from '../../src/core/window/window.ts'
import type { Scorer } from '../../src/ports/scorer.ts'
import type { Verdict } from './ground-truth.ts'
import { labelledTensors } from './labelled-tensors.ts'
import type { Run } from './run-source.ts'

/** What a model says of one run, where one window is enough. */
export interface Judged {
  /** Of each attack: the classes that it was called, on its own keys. */
  readonly attacks: ReadonlyMap<number, Set<string>>
  readonly benignKeys: Set<string>
  /** Of each benign key that was alarmed: "class@step". */
  readonly alarmed: Map<string, Set<string>>
}

const BATCH = 256

/** Scores every tensor of a run that is an example of something, and holds what is said against what is true. */
export async function judge (scorer: Scorer, run: Run): Promise<Judged> {
  const judged = { attacks: new Map(run.labels.attacks.map((_, index) => [index, new Set<string>()])), benignKeys: new Set<string>(), alarmed: new Map<string, Set<string>>() }
  const batch = new Batch(scorer)
  const settle = async (): Promise<void> => {
    for (const { id, stepMs, verdict, said } of await batch.score()) {
      if (verdict.label > 0) {
        for (const name of said) judged.attacks.get(verdict.attack)?.add(name)
        continue
      }
      judged.benignKeys.add(id)
      if (said.length > 0) judged.alarmed.set(id, new Set([...judged.alarmed.get(id) ?? [], ...said.map((name) => `${name}@${stepMs}`)]))
    }
  }
  for await (const { window, view, verdict } of labelledTensors(run)) {
    if (verdict === null) continue
    view.writeTensor(batch.tensors, batch.rows.length * TENSOR_SIZE)
    view.writeContext(batch.contexts, batch.rows.length * CONTEXT_COLUMNS.length)
    batch.rows.push({ id: keyId(window.key), stepMs: window.stepMs, verdict })
    if (batch.rows.length === BATCH) await settle()
  }
  await settle()
  return judged
}

interface Row { readonly id: string, readonly stepMs: number, readonly verdict: Verdict }

class Batch {
  readonly tensors = new Float32Array(BATCH * TENSOR_SIZE)
  readonly contexts = new Float32Array(BATCH * CONTEXT_COLUMNS.length)
  rows: Row[] = []
  readonly #scorer: Scorer

  constructor (scorer: Scorer) {
    this.#scorer = scorer
  }

  /** Each row with the classes whose probability is at their threshold or above; the batch is then empty. */
  async score (): Promise<(Row & { said: string[] })[]> {
    const { classes, thresholds } = this.#scorer.model
    const probabilities = await this.#scorer.score(this.rows.length, this.tensors, this.contexts)
    const rows = this.rows
    this.rows = []
    return rows.map((row, at) => ({
      ...row,
      said: classes.filter((_, index) => index > 0 && (probabilities[at * classes.length + index] ?? 0) >= (thresholds[index] ?? 1)),
    }))
  }
}
