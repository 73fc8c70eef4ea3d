import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { GroundTruth } from '../../models/training/ground-truth.ts'
import { parseRunLabels } from '../../models/training/run-labels.ts'
import { readRecording } from '../../models/training/window-recording.ts'
import { CLASSES } from '../../src/core/classes.ts'
import { COUNTERS } from '../../src/core/window/window.ts'
import { skipWithout } from '../setup/tools.ts'
import { ATTACK_TOOLS } from './attacks/catalogue.ts'
import { readIndex } from './dataset-index.ts'
import { missingForLab } from './lab.ts'
import type { RunLabels } from './labels.ts'
import { makeDataset } from './make-dataset.ts'
import { writeReport } from './report.ts'
import { CYCLE } from './schedule.ts'
import { EXTRA_SERVERS, SERVERS } from './servers/servers.ts'

const servers = [...Object.values(SERVERS), ...Object.values(EXTRA_SERVERS)]
const skip = skipWithout(missingForLab([...ATTACK_TOOLS, ...servers.flatMap((server) => [...server.tools])]))
t.setTimeout(900_000)

const never = new AbortController().signal
const folder = t.testdir()
const options = { folder, purpose: 'training' as const, runs: CYCLE.length, hours: 0.001, jobs: 3, signal: never, say: (line: string) => { t.comment(line) } }

t.test('a data set has every scenario, as windows and labels that belong together', { skip }, async (t) => {
  const ended = new AbortController()
  ended.abort()
  t.equal((await makeDataset({ ...options, signal: ended.signal })).entries.length, 0, 'one that is told to end makes no more runs')
  let { entries } = await makeDataset(options)
  // A machine with other work loses runs; the next call makes them.
  for (let call = 1; call < 4 && entries.length < CYCLE.length; call++) ({ entries } = await makeDataset(options))
  t.same(entries.map(({ scenario }) => scenario).sort(), [...CYCLE].sort())
  for (const { run, windows, attacks, packets } of entries) {
    const path = join(folder, `${run}.labels.json`)
    const labels = JSON.parse(readFileSync(path, 'utf8')) as RunLabels
    t.ok(packets > 0 && windows > 0, run)
    t.equal(labels.attacks.length, attacks.length, run)
    t.notOk(existsSync(join(folder, `${run}.part`)), 'its capture is not kept')
    const truth = await timelines(run, path)
    for (const attack of labels.attacks) {
      t.ok(attack.packets > 0, `${run}: ${attack.tool} sent ${attack.packets}`)
      for (const leg of attack.legs) t.equal(leg.timeline.reduce((sum, [, count]) => sum + count, 0), leg.packets, `${run}: ${attack.tool} to ${leg.destination}`)
    }
    t.equal(truth.unknownClasses, 0)
  }
  const again = await makeDataset(options)
  t.same(again, readIndex(folder), 'all runs are there: nothing is made again')
  await t.rejects(makeDataset({ ...options, runs: 3 }), /is of 14 runs for training in 0.001 hours, asked for are 3 for training/)
  await writeReport(folder)
  t.match(readFileSync(join(folder, 'report.md'), 'utf8'), /14 of 14 planned runs/)
  for (const name of ['BENIGN', 'PORT_SCAN', 'SYN_FLOOD']) t.match(readFileSync(join(folder, `${name}.svg`), 'utf8'), new RegExp(`<svg[^]*${name}`), name)
})

/** What the windows of a run are called, with its labels: every tensor has a verdict or none, and none is of a class that nobody knows. */
async function timelines (run: string, path: string): Promise<{ unknownClasses: number }> {
  const windows = await readRecording(join(folder, `${run}.windows.zst`), 0)
  const truth = new GroundTruth(parseRunLabels(readFileSync(path, 'utf8'), path), windows, CLASSES)
  const [sent, received] = [COUNTERS.indexOf('packets_sent'), COUNTERS.indexOf('packets_received')]
  const verdicts = windows.map((window) => truth.verdict(window, (window.counters[sent] ?? 0) + (window.counters[received] ?? 0)))
  return { unknownClasses: verdicts.filter((verdict) => verdict !== null && CLASSES[verdict.label] === undefined).length }
}
