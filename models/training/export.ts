// `node models/training/export.ts`: labelled captures, or recordings of their windows, to the tensors that train.py reads.
import { parseArgs } from 'node:util'
import { AutoshieldError } from '../../src/core/errors.ts'
import { KEY_KINDS, STEPS_MS, keyId, type Window } from '../../src/core/window/window.ts'
import { checkClasses, readOwn, withOwn } from './class-list.ts'
import { DatasetWriter } from './dataset-writer.ts'
import type { Verdict } from './ground-truth.ts'
import { labelledTensors } from './labelled-tensors.ts'
import { addMarked } from './marked-run.ts'
import { collectedRuns, laboratoryRuns, type Run } from './run-source.ts'
import { SHIFTS_MS } from './window-recording.ts'

const USAGE = `Usage: node models/training/export.ts [--lab DIR]... [--captures DIR]... [--marked FILE]... [--class NAME[="ID TITLE"]]... [--held-out] [--out DIR]
  --lab       folder of RUN.labels.json beside RUN.windows.zst or RUN.pcap.zst, as npm run lab writes them
  --captures  folder with a MANIFEST.tsv and the captures that it names; those under another licence than MIT, BSD or Apache are held out
  --marked    what autoshield detections export --marked wrote
  --class     a class of one's own that labels may name, and its ATT&CK technique, such as CUSTOM_ATTACK="T1071.001 Web Protocols"
  --held-out  the runs that training never sees, and those alone
  --out       where the tensors go (default: models/training/dataset)`

/**
 * Thins what one key says again and again. Of a benign one: rows 0 to 5, in which the key is new, then 8, 16, 32 and so on, and every 20th,
 * which shares no window with the one before. An attack changes faster: its first dozen, then every fourth. budget.py tells from what is kept how
 * much time there was.
 */
function isKept (label: number, row: number): boolean {
  return label === 0 ? row < 6 || Number.isInteger(Math.log2(row)) || row % 20 === 0 : row < 12 || row % 4 === 0
}

/** Rows of one run: numbers its keys, and thins what they say. */
class RunRows {
  readonly #run: number
  readonly #keys = new Map<string, number>()
  #rows = new Map<string, number>()

  constructor (run: number) {
    this.#run = run
  }

  /** The run from its beginning once more, in other windows. */
  restart (): void {
    this.#rows = new Map()
  }

  sample ({ key, stepMs }: Window, { label, attack, attackPackets }: Verdict): Parameters<DatasetWriter['add']>[0] | null {
    const id = keyId(key)
    if (!isKept(label, this.#nextRow(`${label} ${stepMs} ${id}`))) return null
    const number = this.#keys.get(id) ?? this.#keys.size
    this.#keys.set(id, number)
    return { run: this.#run, label, kind: KEY_KINDS.indexOf(key.kind), step: STEPS_MS.indexOf(stepMs), key: number, attack, attack_packets: attackPackets }
  }

  #nextRow (name: string): number {
    const row = this.#rows.get(name) ?? 0
    this.#rows.set(name, row + 1)
    return row
  }
}

async function exportRun (writer: DatasetWriter, run: Run): Promise<string> {
  const { labels, source, licence } = run
  const rows = new RunRows(writer.addRun({ name: labels.run, source, licence, scenario: labels.scenario, attacks: labels.attacks.map(({ class: name, tool, service, manner, rate }) => ({ class: name, tool, service, manner, rate })), benign: labels.benign }))
  const counts = new Map<number, number>()
  for (const shiftMs of SHIFTS_MS) {
    rows.restart()
    for await (const { window, view, verdict } of labelledTensors(run, writer.classes, shiftMs)) {
      const sample = verdict && rows.sample(window, verdict)
      if (sample === null) continue
      writer.add(sample, view)
      counts.set(sample.label, (counts.get(sample.label) ?? 0) + 1)
    }
  }
  return [...counts].sort(([a], [b]) => a - b).map(([label, count]) => `${label}: ${count}`).join(', ')
}

async function main (): Promise<number> {
  const { values } = parseArgs({
    options: {
      lab: { type: 'string', multiple: true, default: [] },
      captures: { type: 'string', multiple: true, default: [] },
      marked: { type: 'string', multiple: true, default: [] },
      class: { type: 'string', multiple: true, default: [] },
      out: { type: 'string', default: 'models/training/dataset' },
      'held-out': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const given = [...values.lab, ...values.captures, ...values.marked]
  if (values.help || given.length === 0) {
    console.error(USAGE)
    return values.help ? 0 : 64
  }
  const own = readOwn(values.class)
  const classes = withOwn(own.names)
  const runs = [
    ...(await Promise.all(values.lab.map(laboratoryRuns))).flat(),
    ...(await Promise.all(values.captures.map(async (folder) => collectedRuns(folder, classes)))).flat(),
  ].filter(({ labels }) => labels.holdout === values['held-out'])
  if (runs.length === 0 && values.marked.length === 0) throw new AutoshieldError('NOT_FOUND', `${given.join(', ')}: no run is ${values['held-out'] ? 'held out; without --held-out the others are taken' : 'for training; --held-out takes those that are not'}`)
  for (const run of runs) checkClasses(run, classes)
  const writer = new DatasetWriter(classes, own.techniques)
  for (const [index, run] of runs.entries()) console.log(`${index + 1}/${runs.length} ${run.labels.run}: ${await exportRun(writer, run)}`)
  for (const path of values.marked) console.log(`${path}: ${await addMarked(writer, path)} marked`)
  await writer.write(values.out)
  console.log(`${writer.count} tensors of ${runs.length} runs in ${values.out}`)
  return 0
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(`export: ${error instanceof Error ? error.message : String(error)}`)
  return 1
})
