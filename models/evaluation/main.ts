// `npm run eval -- DIR...`: what the model makes of labelled captures, beside other judges; a report with pictures.
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadModel } from '../../src/adapters/onnx/load-model.ts'
import { CLASSES } from '../../src/core/classes.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { Scorer } from '../../src/ports/scorer.ts'
import { collectedRuns, laboratoryRuns, type Run } from '../training/run-source.ts'
import { curvePicture } from './curve-picture.ts'
import { curveOf } from './curves.ts'
import { explanationsText } from './explanations.ts'
import { faithfulnessOf, type Explained, type Faithfulness } from './faithfulness.ts'
import { judgeRun, type RunOutcome } from './judge-run.ts'
import { normalFrom } from './normal.ts'
import { ablations, sideBySide, type Judge } from './judges.ts'
import { type Judged, reportOf } from './report.ts'
import { judgeSources } from './judge-sources.ts'
import { sourcesReport } from './source-table.ts'
import { yardsticksIn } from './yardstick-scorer.ts'

const USAGE = `Usage: npm run eval -- DIR... [--model DIR] [--out DIR] [--all] [--only NAME] [--beside DIR]... [--yardsticks DIR]
                       [--explanations] [--ablation]
       npm run eval -- --sources DIR [--model DIR] [--out DIR] [--only NAME]
  DIR         folder of labelled captures: RUN.labels.json beside RUN.windows.zst or RUN.pcap.zst, as the laboratory writes them, or a
              MANIFEST.tsv with the captures that it names
  --model     folder of model.onnx and manifest.json (default: the shipped one)
  --beside    folder of another model that judges alone, such as one with another --model-type; may be given again
  --yardsticks  folder of what make_yardsticks.py fitted to the same rows (default: where it puts them)
  --out       folder of report.md, curves.svg and outcomes.json (default: evaluation)
  --all       also captures that the shipped model may have been trained on
  --only      captures whose name holds this
  --sources   what each source of windows finds of the same attacks, from the folder that npm run lab -- sources made
  --explanations  also whether explanations are true: a deletion test, and what stays of them under noise
  --ablation  also named evidence alone, beside each yardstick, and beside the model without each kind; takes some four times as long`

async function main (): Promise<number> {
  const { values, positionals: folders } = parseArgs({
    allowPositionals: true,
    options: { model: { type: 'string', default: join(import.meta.dirname, '..') }, out: { type: 'string', default: 'evaluation' }, all: { type: 'boolean', default: false }, only: { type: 'string', default: '' }, ablation: { type: 'boolean', default: false }, sources: { type: 'string' }, beside: { type: 'string', multiple: true, default: [] }, yardsticks: { type: 'string', default: join(import.meta.dirname, 'yardsticks') }, explanations: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  })
  if (values.help || (folders.length === 0) === (values.sources === undefined)) {
    console.error(USAGE)
    return values.help ? 0 : 64
  }
  await using model = await loadModel(values.model)
  if (values.sources !== undefined) {
    const bySource = await judgeSources(model, values.sources, values.only)
    await mkdir(values.out, { recursive: true })
    const report = sourcesReport(model.model.version, bySource)
    await writeFile(join(values.out, 'sources.md'), report)
    console.log(report)
    return 0
  }
  const classes = [...new Set([...CLASSES, ...model.model.classes])]
  const known = (await Promise.all(folders.map(async (folder) => runsIn(folder, classes)))).flat()
  const runs = known.filter(({ labels }) => (values.all || labels.holdout) && labels.run.includes(values.only))
  if (known.length === 0) throw new AutoshieldError('NOT_FOUND', `${folders.join(', ')}: there is neither a RUN.labels.json nor a MANIFEST.tsv; npm run lab makes labelled captures`)
  if (runs.length === 0) throw new AutoshieldError('NOT_FOUND', `${folders.join(', ')}: none of ${known.length} captures is held out from training; --all takes the others, too`)
  console.error(`${runs.length} captures; ${known.length - runs.length} left out${values.all ? '' : ' (the shipped model may have been trained on them, or their names lack --only)'}`)
  await using others = new AsyncDisposableStack()
  const beside: Scorer[] = []
  for (const folder of values.beside) beside.push(others.use(await loadModel(folder)))
  const yardsticks = await yardsticksIn(values.yardsticks)
  const judged: Judged[] = []
  const explained: Explained[] = []
  for (const judge of sideBySide(model, beside, yardsticks)) judged.push({ name: judge.name, runs: await judgeAll(judge, runs, (one) => { if (judge.scorer === model && judge.kinds.length > 0) explained.push(one) }) })
  const ablated: Judged[] = []
  if (values.ablation) for (const judge of ablations(model, yardsticks)) ablated.push({ name: judge.name, runs: await judgeAll(judge, runs, () => undefined) })
  const faithfulness = values.explanations ? explanationsText(await faithfulnessOfAll(model, explained)) : ''

  const [first] = judged
  const curves = model.model.classes.flatMap((name, index) => index === 0 ? [] : curveOf(name, index, first?.runs.flatMap(({ peaks }) => peaks) ?? []) ?? [])
  await mkdir(values.out, { recursive: true })
  if (curves.length > 0) await writeFile(join(values.out, 'curves.svg'), curvePicture(`Model ${model.model.version}: peaks of attacks and of benign keys`, curves))
  await writeFile(join(values.out, 'report.md'), `${reportOf(judged, ablated, curves.length > 0 ? ['curves.svg'] : [])}${faithfulness === '' ? '' : `\n${faithfulness}\n`}`)
  await writeFile(join(values.out, 'outcomes.json'), `${JSON.stringify(judged.map(({ name, runs: outcomes }) => ({ name, runs: outcomes.map(({ peaks: _, ...rest }) => rest) })))}\n`)
  console.log(`${values.out}/report.md, curves.svg, outcomes.json`)
  return 0
}

async function runsIn (folder: string, classes: readonly string[]): Promise<Run[]> {
  if (!existsSync(folder)) throw new AutoshieldError('NOT_FOUND', `there is no folder ${folder}; name one with captures and their labels, such as test/fixtures/captures`)
  return existsSync(join(folder, 'MANIFEST.tsv')) ? collectedRuns(folder, classes) : laboratoryRuns(folder)
}

async function judgeAll ({ name, scorer, kinds }: Judge, runs: readonly Run[], onExplained: (explained: Explained) => void): Promise<RunOutcome[]> {
  const outcomes: RunOutcome[] = []
  for (const run of runs) {
    outcomes.push(await judgeRun(scorer, kinds, run, onExplained))
    if (outcomes.length % 10 === 0 || outcomes.length === runs.length) console.error(`${name}: ${outcomes.length} of ${runs.length}`)
  }
  return outcomes
}

async function faithfulnessOfAll (scorer: Scorer, explained: readonly Explained[]): Promise<Faithfulness[]> {
  const gaussian = normalFrom(1)
  const all: Faithfulness[] = []
  for (const one of explained) all.push(await faithfulnessOf(scorer, one, gaussian))
  return all
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(`eval: ${error instanceof Error ? error.message : String(error)}`)
  return 1
})
