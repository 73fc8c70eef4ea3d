import { readFile } from 'node:fs/promises'
import { Compile } from 'typebox/compile'
import { LabelledWindow } from '../../src/core/feedback/labelled-window.ts'
import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import { FEATURE_SCHEMA, KEY_KINDS, STEPS_MS } from '../../src/core/window/window.ts'
import type { DatasetWriter, RunEntry } from './dataset-writer.ts'

const check = Compile(LabelledWindow)

/** Adds what `autoshield detections export --marked` wrote: each detection is a run of its own. Gives the number of rows. */
export async function addMarked (writer: DatasetWriter, path: string): Promise<number> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
  for (const [index, line] of lines.entries()) {
    const value: unknown = JSON.parse(line)
    if (!check.Check(value) || value.featureSchema !== FEATURE_SCHEMA || value.contextColumns.join() !== CONTEXT_COLUMNS.join()) {
      throw new Error(`${path}:${index + 1} is no labelled window of this program's features; export it anew with \`autoshield detections export --marked\``)
    }
    const { label, mark: { detection, class: name, window } } = value
    const number = writer.classes.indexOf(label)
    const step = STEPS_MS.findIndex((known) => known === window.stepMs)
    if (number < 0) throw new Error(`${path}:${index + 1} is labelled ${label}, which is no class of the training set; name it with --class ${label}, or leave that line out`)
    if (step < 0) throw new Error(`${path}:${index + 1} has a step of ${window.stepMs} ms, which the training set does not have; leave that line out`)
    const run: RunEntry = { name: `marked-${detection}`, source: 'marked detections', licence: 'own', scenario: 'marked', attacks: number === 0 ? [] : [{ class: name, tool: 'unknown', service: 'unknown', manner: 'unknown', rate: null }], benign: [] }
    const row = { run: writer.addRun(run), label: number, kind: KEY_KINDS.indexOf(window.kind), step, key: 0, attack: number === 0 ? -1 : 0, attack_packets: 0 }
    writer.add(row, {
      writeTensor: (out, offset) => out.set(window.tensor.flat(), offset),
      writeContext: (out, offset) => out.set(window.context, offset),
    })
  }
  return lines.length
}
