import { parseArgs } from 'node:util'
import { join } from 'node:path'
import { ATTACK_TOOLS, ATTACKS } from './attacks/catalogue.ts'
import { BENIGN } from './benign.ts'
import { CYCLE, makeDataset } from './dataset.ts'
import { missingForLab, removeFiles } from './lab.ts'
import { runScenario } from './run.ts'
import { SCENARIOS } from './scenarios.ts'
import { SERVERS } from './servers/servers.ts'

const USAGE = `Usage: npm run lab -- COMMAND
  list                                           scenarios, attacks and ordinary traffic
  run SCENARIO --out DIR [--seed N] [--duration S] [--loads N] [--name NAME] [--turn N] [--unseen]
                                                 one laboratory, one labelled capture, held out from training
  dataset --out DIR --runs N [--jobs 1] [--from 0] [--scenarios A,B]
                                                 many, of every class; leaves out those that are there
  down                                           removes what a killed laboratory left`

const say = (line: string) => { console.error(`${new Date().toISOString().slice(11, 19)} ${line}`) }

function list (): void {
  console.log('scenarios')
  for (const [name, { about }] of Object.entries(SCENARIOS)) console.log(`  ${name.padEnd(20)}${about}`)
  for (const [attackClass, variants] of Object.entries(ATTACKS)) console.log(`${attackClass}\n  ${variants.map(({ name, heldOut }) => heldOut ? `${name} (held out)` : name).join(', ')}`)
  console.log(`ordinary traffic\n  ${Object.keys(BENIGN).join(', ')}`)
}

function able (): boolean {
  const missing = missingForLab([...ATTACK_TOOLS, ...Object.values(SERVERS).flatMap((server) => [...server.tools])])
  missing.forEach((line) => { console.error(line) })
  return missing.length === 0
}

async function main (): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string' }, seed: { type: 'string', default: '1' }, duration: { type: 'string', default: '50' }, runs: { type: 'string', default: '8' }, from: { type: 'string', default: '0' }, scenarios: { type: 'string', default: CYCLE.join(',') }, jobs: { type: 'string', default: '1' }, loads: { type: 'string' }, turn: { type: 'string' }, name: { type: 'string' }, unseen: { type: 'boolean', default: false } },
  })
  const [command, scenario] = positionals
  if (command === 'list') {
    list()
    return 0
  }
  if (command === 'down') {
    const removed = removeFiles('abandoned')
    console.log(removed.length > 0 ? `removed ${removed.join(', ')}` : 'nothing was left behind')
    return 0
  }
  if (values.out === undefined || (command !== 'dataset' && (command !== 'run' || scenario === undefined))) {
    console.error(USAGE)
    return 64
  }
  if (!able()) return 1
  const folder = join(values.out)
  if (command === 'dataset') await makeDataset({ folder, from: Number(values.from), runs: Number(values.runs), scenarios: values.scenarios.split(','), jobs: Number(values.jobs), say })
  if (command === 'run' && scenario !== undefined) await runScenario({ scenario, seed: Number(values.seed), name: values.name ?? `${scenario}-${values.seed}`, folder, seconds: Number(values.duration), holdout: true, unseenTools: values.unseen, say, ...(values.loads === undefined ? {} : { loads: Number(values.loads) }), ...(values.turn === undefined ? {} : { turn: Number(values.turn) }) })
  return 0
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Whatever a laboratory started dies with this process (see pod.ts).
  process.once(signal, () => { removeFiles('own'); process.exit(128) })
}
process.exitCode = await main()
