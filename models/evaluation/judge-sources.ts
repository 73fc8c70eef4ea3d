import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AutoshieldError } from '../../src/core/errors.ts'
import { EVIDENCE_KINDS } from '../../src/core/evidence/table.ts'
import type { Scorer } from '../../src/ports/scorer.ts'
import { laboratoryRuns, type Run } from '../training/run-source.ts'
import { judgeRun, type RunOutcome } from './judge-run.ts'
import { SOURCE_FOLDERS, type SourceName } from './source-folders.ts'

/** What the loop made of the same runs by one source alone. */
export interface SourceOutcome { readonly source: SourceName, readonly runs: readonly RunOutcome[] }

/**
 * Judges the runs that every source has, each source alone, by the loop as it is. Throws NOT_FOUND where a source's folder is missing or they
 * have no run in common.
 */
export async function judgeSources (scorer: Scorer, folder: string, only: string): Promise<SourceOutcome[]> {
  const all: Map<string, Run>[] = []
  for (const source of SOURCE_FOLDERS) {
    const path = join(folder, source)
    if (!existsSync(path)) throw new AutoshieldError('NOT_FOUND', `there is no folder ${path}; npm run lab -- sources --out ${folder} makes one for each source`)
    all.push(new Map((await laboratoryRuns(path)).map((run) => [run.labels.run, run])))
  }
  const names = [...all[0]?.keys() ?? []].filter((name) => name.includes(only) && all.every((runs) => runs.has(name)))
  if (names.length === 0) throw new AutoshieldError('NOT_FOUND', `${folder}: no run is in all of ${SOURCE_FOLDERS.join(', ')}; npm run lab -- sources --out ${folder} makes some`)
  const outcomes: SourceOutcome[] = []
  for (const [index, source] of SOURCE_FOLDERS.entries()) {
    const runs: RunOutcome[] = []
    for (const name of names) {
      const run = all[index]?.get(name)
      if (run !== undefined) runs.push(await judgeRun(scorer, EVIDENCE_KINDS, run))
    }
    outcomes.push({ source, runs })
  }
  return outcomes
}
