import { mkdirSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RECORDING_SUFFIX, recordWindows } from '../../models/training/window-recording.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import { entryOf, indexPath, readIndex, writeIndex } from './dataset-index.ts'
import type { DatasetIndex, IndexEntry } from './dataset-index.ts'
import { runScenario } from './run.ts'
import { scheduleRuns } from './schedule.ts'
import type { PlannedRun } from './schedule.ts'

export interface DatasetOptions { folder: string, runs: number, hours: number, jobs: number, say: (line: string) => void, signal: AbortSignal }

/**
 * Makes the runs that the data set still lacks, `jobs` at a time, until all are there or the signal is aborted (runs that are under way are
 * finished). A run that fails is named, left out, and tried again by the next call.
 */
export async function makeDataset ({ folder, runs, hours, jobs, say, signal }: DatasetOptions): Promise<DatasetIndex> {
  mkdirSync(folder, { recursive: true })
  const index = readIndex(folder) ?? { apiVersion: 'autoshield.dev/v1alpha1', kind: 'LaboratoryDataset', runs, hours, entries: [] }
  if (index.runs !== runs || index.hours !== hours) throw new AutoshieldError('BAD_DATA', `${indexPath(folder)} is of ${index.runs} runs in ${index.hours} hours, asked for are ${runs} in ${hours}: give those numbers to go on with it, or another folder with --out`)
  const there = new Set(index.entries.map((entry) => entry.run))
  const missing = scheduleRuns(runs, hours).filter(({ name }) => !there.has(name))
  const progress = new Progress(index, missing)
  say(progress.line())
  const worker = async () => {
    for (let run = missing.shift(); run !== undefined && !signal.aborted; run = missing.shift()) {
      try {
        index.entries.push(await makeRun(folder, run, say))
        index.entries.sort((one, other) => one.run < other.run ? -1 : 1)
        writeIndex(folder, index)
      } catch (error) {
        say(`${run.name} failed and is left out: ${String(error)}`)
      }
      progress.did(run)
      say(progress.line())
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  return index
}

/** One run as its recording and labels; the capture is not kept. */
async function makeRun (folder: string, run: PlannedRun, say: (line: string) => void): Promise<IndexEntry> {
  const { name } = run
  const work = join(folder, `${name}.part`)
  const unsaid = (line: string) => { if (line.startsWith('  ')) say(line) }
  try {
    const labels = await runScenario({ ...run, folder: work, say: unsaid })
    const { bytes, windows } = await recordWindows(join(work, `${name}.pcap.zst`))
    await writeFile(join(folder, `${name}${RECORDING_SUFFIX}`), bytes)
    await writeFile(join(folder, `${name}.labels.json`), `${JSON.stringify(labels)}\n`)
    say(`${name}: ${windows} windows in ${bytes.length} bytes of ${labels.capture.packets} packets; ${labels.attacks.map((attack) => `${attack.tool} ${attack.packets}`).join(', ') || 'no attack'}`)
    return entryOf(run, labels, { windows, bytes: bytes.length })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** How far a data set is, and when it will be done at the pace that this call has kept. */
class Progress {
  readonly #index: DatasetIndex
  readonly #startedMs = Date.now()
  #laboratorySeconds = 0
  #left: number

  constructor (index: DatasetIndex, missing: readonly PlannedRun[]) {
    this.#index = index
    this.#left = missing.reduce((sum, run) => sum + run.seconds, 0)
  }

  did ({ seconds }: PlannedRun): void {
    this.#laboratorySeconds += seconds
    this.#left -= seconds
  }

  line (): string {
    const { entries, runs } = this.#index
    const made = entries.reduce((sum, entry) => sum + entry.seconds, 0)
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
    const pace = this.#laboratorySeconds / ((Date.now() - this.#startedMs) / 1000)
    const rest = this.#laboratorySeconds > 0 ? `; ${pace.toFixed(2)} minutes of laboratory a minute, ${Math.ceil(this.#left / pace / 60)} minutes to go` : ''
    return `data set: ${entries.length} of ${runs} runs, ${(made / 3600).toFixed(2)} hours, ${(bytes / 1e6).toFixed(2)} MB${rest}`
  }
}
