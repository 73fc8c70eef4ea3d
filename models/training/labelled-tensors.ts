import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import { TensorTable, type TensorView } from '../../src/core/tensor/tensor-table.ts'
import type { Window } from '../../src/core/window/window.ts'
import { GroundTruth, type Verdict } from './ground-truth.ts'
import type { RunLabels } from './run-labels.ts'
import type { Run } from './run-source.ts'
import { windowsOf } from './window-recording.ts'

/** One tensor as a detector would score it, with what it really is. */
export interface LabelledTensor {
  readonly window: Window
  /** Valid until the next tensor is asked for. */
  readonly view: TensorView
  /** Null: no example of anything. */
  readonly verdict: Verdict | null
}

const [SENT, RECEIVED] = [CONTEXT_COLUMNS.indexOf('packets_sent'), CONTEXT_COLUMNS.indexOf('packets_received')]

/** Every tensor of a run, through the extractor and the table that the detector uses; all times `shiftMs` later than they were. `classes`: what one may be called. */
export async function * labelledTensors ({ capture, labels }: Run, classes: readonly string[], shiftMs = 0): AsyncGenerator<LabelledTensor> {
  const windows = await windowsOf(capture, shiftMs)
  const truth = new GroundTruth(shifted(labels, shiftMs), windows, classes)
  const table = new TensorTable({ capacity: 1 << 16 })
  const context = new Float32Array(CONTEXT_COLUMNS.length)
  for (const window of windows) {
    const view = table.push('training', window)
    if (view === null) continue
    view.writeContext(context, 0)
    yield { window, view, verdict: truth.verdict(window, (context[SENT] ?? 0) + (context[RECEIVED] ?? 0)) }
  }
}

function shifted (labels: RunLabels, byMs: number): RunLabels {
  const attacks = labels.attacks.map((attack) => ({
    ...attack, firstPacketMs: attack.firstPacketMs + byMs, lastPacketMs: attack.lastPacketMs + byMs, residueUntilMs: attack.residueUntilMs + byMs,
  }))
  return { ...labels, attacks, startedMs: labels.startedMs + byMs }
}
