// `npm run eval -- DIR...`: what the model makes of labelled captures, beside fixed thresholds; a report with pictures.
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadModel } from '../../src/adapters/onnx/load-model.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { Scorer } from '../../src/ports/scorer.ts'
import { collectedRuns, laboratoryRuns, type Run } from '../training/run-source.ts'
import { curvePicture } from './curve-picture.ts'
import { curveOf } from './curves.ts'
import { judgeRun, type RunOutcome } from './judge-run.ts'
import { type Judged, reportOf } from './report.ts'
import { rulesScorer } from './rules.ts'

const USAGE = `Usage: npm run eval -- DIR... [--model DIR] [--out DIR] [--all] [--only NAME]
  DIR         folder of labelled captures: RUN.labels.json beside RUN.windows.zst or RUN.pcap.zst, as the laboratory writes them, or a
              MANIFEST.tsv with the captures that it names
  --model     folder of model.onnx and manifest.json (default: the shipped one)
  --out       folder of report.md, curves.svg and outcomes.json (default: evaluation)
  --all       also captures that the shipped model may have been trained on
  --only      captures whose name holds this`

async function main (): Promise<number> {
  const { values, positionals: folders } = parseArgs({
    allowPositionals: true,
    options: { model: { type: 'string', default: join(import.meta.dirname, '..') }, out: { type: 'string', default: 'evaluation' }, all: { type: 'boolean', default: false }, only: { type: 'string', default: '' }, help: { type: 'boolean', default: false } },
  })
  if (values.help || folders.length === 0) {
    console.error(USAGE)
    return values.help ? 0 : 64
  }
  const known = (await Promise.all(folders.map(runsIn))).flat()
  const runs = known.filter(({ labels }) => (values.all || labels.holdout) && labels.run.includes(values.only))
  if (known.length === 0) throw new AutoshieldError('NOT_FOUND', `${folders.join(', ')}: there is neither a RUN.labels.json nor a MANIFEST.tsv; npm run lab makes labelled captures`)
  if (runs.length === 0) throw new AutoshieldError('NOT_FOUND', `${folders.join(', ')}: none of ${known.length} captures is held out from training; --all takes the others, too`)
  console.error(`${runs.length} captures; ${known.length - runs.length} left out${values.all ? '' : ' (the shipped model may have been trained on them, or their names lack --only)'}`)
  await using model = await loadModel(values.model)
  await using rules = rulesScorer()
  const judged: Judged[] = []
  for (const [name, scorer] of [[`model ${model.model.version}`, model], ['fixed thresholds', rules]] as const) judged.push({ name, runs: await judgeAll(name, scorer, runs) })

  const [first] = judged
  const curves = model.model.classes.flatMap((name, index) => index === 0 ? [] : curveOf(name, index, first?.runs.flatMap(({ peaks }) => peaks) ?? []) ?? [])
  await mkdir(values.out, { recursive: true })
  if (curves.length > 0) await writeFile(join(values.out, 'curves.svg'), curvePicture(`Model ${model.model.version}: peaks of attacks and of benign keys`, curves))
  await writeFile(join(values.out, 'report.md'), reportOf(judged, curves.length > 0 ? ['curves.svg'] : []))
  await writeFile(join(values.out, 'outcomes.json'), `${JSON.stringify(judged.map(({ name, runs: outcomes }) => ({ name, runs: outcomes.map(({ peaks: _, ...rest }) => rest) })))}\n`)
  console.log(`${values.out}/report.md, curves.svg, outcomes.json`)
  return 0
}

async function runsIn (folder: string): Promise<Run[]> {
  if (!existsSync(folder)) throw new AutoshieldError('NOT_FOUND', `there is no folder ${folder}; name one with captures and their labels, such as test/fixtures/captures`)
  return existsSync(join(folder, 'MANIFEST.tsv')) ? collectedRuns(folder) : laboratoryRuns(folder)
}

async function judgeAll (name: string, scorer: Scorer, runs: readonly Run[]): Promise<RunOutcome[]> {
  const outcomes: RunOutcome[] = []
  for (const run of runs) {
    outcomes.push(await judgeRun(scorer, run))
    if (outcomes.length % 10 === 0 || outcomes.length === runs.length) console.error(`${name}: ${outcomes.length} of ${runs.length}`)
  }
  return outcomes
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(`eval: ${error instanceof Error ? error.message : String(error)}`)
  return 1
})
