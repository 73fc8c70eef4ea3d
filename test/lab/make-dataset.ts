import { fork } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { claim } from '../../src/adapters/store/database.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import { indexPath, readIndex, writeIndex } from './dataset-index.ts'
import type { DatasetIndex, IndexEntry } from './dataset-index.ts'
import type { RunMessage } from './one-run.ts'
import { RunQueue } from './run-queue.ts'
import { scheduleRuns } from './schedule.ts'
import type { PlannedRun, PurposeName } from './schedule.ts'
import { Timekeeper } from './timekeeper.ts'

export interface DatasetOptions { folder: string, purpose: PurposeName, runs: number, hours: number, jobs: number, say: (line: string) => void, signal: AbortSignal }

/**
 * Makes the runs that the data set still lacks, at most `jobs` at a time and no more than the machine keeps time with, until all are there or
 * the signal is aborted (runs that are under way are finished). A run that fails is made once more at the end, and tried again by the next call.
 * Throws UNAVAILABLE where another process is at work on the folder, and BAD_DATA where it holds another data set.
 */
export async function makeDataset (options: DatasetOptions): Promise<DatasetIndex> {
  mkdirSync(options.folder, { recursive: true })
  const own = claim(options.folder, 'index', '--out')
  try {
    return await makeRuns(options)
  } finally {
    own.close()
  }
}

async function makeRuns ({ folder, purpose, runs, hours, jobs, say, signal }: DatasetOptions): Promise<DatasetIndex> {
  const index = readIndex(folder) ?? { apiVersion: 'autoshield.dev/v1alpha1', kind: 'LaboratoryDataset', purpose, runs, hours, entries: [] }
  if (index.purpose !== purpose || index.runs !== runs || index.hours !== hours) throw new AutoshieldError('BAD_DATA', `${indexPath(folder)} is of ${index.runs} runs for ${index.purpose} in ${index.hours} hours, asked for are ${runs} for ${purpose} in ${hours}: give those numbers to go on with it, or another folder with --out`)
  const there = new Set(index.entries.map((entry) => entry.run))
  const queue = new RunQueue(scheduleRuns(runs, hours, purpose).filter(({ name }) => !there.has(name)))
  const progress = new Progress(index, queue)
  say(progress.line())
  using clock = new Timekeeper()
  const underWay = new Set<Promise<void>>()
  while ((queue.length > 0 || underWay.size > 0) && !(signal.aborted && underWay.size === 0)) {
    const room = underWay.size < jobs && !signal.aborted && (underWay.size === 0 || await keepsTime(clock))
    const run = room ? queue.next(jobs) : null
    if (run === null) {
      await Promise.race([...underWay, ...(underWay.size < jobs ? [delay(SETTLES_MS)] : [])])
      continue
    }
    const { up, done } = startRun(folder, run, say)
    const ended: Promise<void> = done.then((entry) => {
      index.entries.push(entry)
      index.entries.sort((one, other) => one.run < other.run ? -1 : 1)
      writeIndex(folder, index)
      progress.made(run)
    }, (error: unknown) => { say(`${run.name} failed and is ${queue.failed(run)}: ${(error as Error).message}`) }).finally(() => {
      underWay.delete(ended)
      say(progress.line())
    })
    underWay.add(ended)
    // Raising is the busiest part: one after the other.
    await Promise.race([up, ended])
  }
  return index
}

/** How long the machine is looked at before one more laboratory is added: it must not have paused once. */
const SETTLES_MS = 2000

async function keepsTime (clock: Timekeeper): Promise<boolean> {
  clock.take()
  await delay(SETTLES_MS)
  return clock.take().lostShare === 0
}

/** `up`: its laboratory has been raised. `done`: its recording and labels are there, and all else of it is gone. */
function startRun (folder: string, run: PlannedRun, say: (line: string) => void): { up: Promise<undefined>, done: Promise<IndexEntry> } {
  const up = Promise.withResolvers<undefined>()
  const done = Promise.withResolvers<IndexEntry>()
  // In a group of its own: the terminal's interrupt is for the data set, which lets its runs finish.
  const child = fork(join(import.meta.dirname, 'one-run.ts'), [folder, JSON.stringify(run)], { detached: true })
  let outcome: IndexEntry | Error | null = null
  child.on('message', (message) => {
    const told = message as RunMessage // of our own process
    switch (told.is) {
      case 'up': up.resolve(undefined); return
      case 'said': if (told.line.startsWith('  ')) say(told.line); return
      case 'made': say(told.line); outcome = told.entry; return
      case 'failed': outcome = new Error(told.why)
    }
  })
  child.once('error', done.reject)
  child.once('close', (code, signal) => {
    if (outcome === null || outcome instanceof Error) done.reject(outcome ?? new Error(`its process ended with ${signal ?? code}`))
    else done.resolve(outcome)
  })
  return { up: up.promise, done: done.promise }
}

/** How far a data set is, and when it will be done at the pace that this call has kept. */
class Progress {
  readonly #index: DatasetIndex
  readonly #queue: RunQueue
  readonly #startedMs = Date.now()
  #laboratorySeconds = 0

  constructor (index: DatasetIndex, queue: RunQueue) {
    this.#index = index
    this.#queue = queue
  }

  made ({ seconds }: PlannedRun): void { this.#laboratorySeconds += seconds }

  line (): string {
    const { entries, runs } = this.#index
    const made = entries.reduce((sum, entry) => sum + entry.seconds, 0)
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
    const pace = this.#laboratorySeconds / ((Date.now() - this.#startedMs) / 1000)
    const rest = this.#laboratorySeconds > 0 ? `; ${pace.toFixed(2)} minutes of laboratory a minute, ${Math.ceil(this.#queue.seconds / pace / 60)} minutes to go` : ''
    return `data set: ${entries.length} of ${runs} runs, ${(made / 3600).toFixed(2)} hours, ${(bytes / 1e6).toFixed(2)} MB${rest}`
  }
}
