// `node models/training/evaluate.ts --lab FOLDER --captures FOLDER [--all]`: what the shipped model makes of labelled captures, every tensor of them.
// Without --all only of what it was never trained on.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadModel } from '../../src/adapters/onnx/load-model.ts'
import { judge, type Judged } from './judge.ts'
import { collectedRuns, laboratoryRuns, type Run } from './run-source.ts'

const { values } = parseArgs({
  options: {
    lab: { type: 'string', multiple: true, default: [] },
    captures: { type: 'string', multiple: true, default: [] },
    model: { type: 'string', default: join(import.meta.dirname, '..') },
    all: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
})

const share = (part: number, whole: number): string => `${part} of ${whole}`

class Tally {
  readonly #found = new Map<string, [number, number]>()
  readonly #benign = { keys: 0, alarmed: 0, runs: 0, runsAlarmed: 0 }
  readonly #byAlarm = new Map<string, number>()

  add ({ labels }: Run, { attacks, benignKeys, alarmed }: Judged): void {
    for (const [index, attack] of labels.attacks.entries()) {
      const hit = attacks.get(index)?.has(attack.class) ? 1 : 0
      for (const name of [attack.class, `${attack.class} ${attack.tool}`]) {
        const [found, all] = this.#found.get(name) ?? [0, 0]
        this.#found.set(name, [found + hit, all + 1])
      }
    }
    this.#benign.keys += benignKeys.size
    this.#benign.alarmed += alarmed.size
    if (labels.attacks.length === 0) {
      this.#benign.runs++
      if (alarmed.size > 0) this.#benign.runsAlarmed++
    }
    for (const alarm of [...alarmed.values()].flatMap((names) => [...names])) this.#byAlarm.set(alarm, (this.#byAlarm.get(alarm) ?? 0) + 1)
  }

  print (): void {
    for (const [name, [found, all]] of [...this.#found].sort()) console.log(`${name.padEnd(50)} found ${share(found, all)}`)
    const { keys, alarmed, runs, runsAlarmed } = this.#benign
    console.log(`benign keys alarmed: ${share(alarmed, keys)}; captures without an attack alarmed: ${share(runsAlarmed, runs)}`)
    console.log(`by class and step: ${[...this.#byAlarm].sort().map(([name, count]) => `${name} ${count}`).join(', ') || 'none'}`)
  }
}

const runs = [
  ...(await Promise.all(values.lab.map(laboratoryRuns))).flat(),
  ...(await Promise.all(values.captures.map(collectedRuns))).flat(),
].filter(({ labels }) => values.all || labels.holdout)
await using scorer = await loadModel(values.model)
const tally = new Tally()
for (const run of runs) {
  const judged = await judge(scorer, run)
  tally.add(run, judged)
  if (!values.verbose) continue
  const attacks = run.labels.attacks.map(({ class: name, tool }, index) => `${name} (${tool}) called ${[...judged.attacks.get(index) ?? []].join(' ') || 'nothing'}`)
  const alarms = [...judged.alarmed].map(([id, names]) => `${id} ${[...names].join(' ')}`)
  console.log(`${run.labels.run}: ${[...attacks, ...alarms.map((alarm) => `FALSE ${alarm}`)].join('; ') || 'quiet'}`)
}
tally.print()
