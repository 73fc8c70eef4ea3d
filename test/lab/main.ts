import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { AutoshieldError } from '../../src/core/errors.ts'
import { ATTACK_TOOLS, ATTACKS } from './attacks/catalogue.ts'
import { BENIGN } from './benign/catalogue.ts'
import { missingForLab, removeFiles } from './lab.ts'
import { makeDataset } from './make-dataset.ts'
import { writeReport } from './report.ts'
import { runScenario } from './run.ts'
import { SCENARIOS, isHeldOut } from './scenarios.ts'
import { PURPOSES, isPurpose } from './schedule.ts'
import { simulate } from './simulate.ts'
import { makeSources } from './sources/make-sources.ts'
import { EXTRA_SERVERS, SERVERS } from './servers/servers.ts'
import { HELD_OUT_SERVICES } from './settings.ts'

const USAGE = `Usage: npm run lab -- COMMAND
  list                                           scenarios, attacks and ordinary traffic
  run SCENARIO --out DIR [--seed N] [--duration S] [--loads N] [--name NAME] [--turn N] [--unseen]
                                                 one laboratory, one labelled capture, held out from training
  simulate SCENARIO --data DIR [--seed N] [--duration S] [--dashboard-port P] [--api-port P]
                                                 the same against the whole loop, which tells what it sees (autoshield simulate)
  make-dataset --out DIR --runs N --hours H [--for PURPOSE] [--jobs J]
                                                 windows and labels of many runs, at most J at one time (four a core); goes on where it
                                                 was ended, and writes the report. For training, which is the default, or to judge by
                                                 what training never sees: attacks, or quiet, which has none
  sources --out DIR [--runs N] [--duration S] [--seed N] [--loads N]
                                                 the same attacks as packets, an access log and sockets show them, a folder for each;
                                                 'npm run eval -- --sources DIR' judges them; goes on where it was ended
  report DIR                                     report.md and pictures of a data set
  down                                           removes what a killed laboratory left`

/** A laboratory takes 0.4 of a core, most of it while it is raised; a slow one less. */
const JOBS_PER_CORE = 4

const say = (line: string) => { console.error(`${new Date().toISOString().slice(11, 19)} ${line}`) }

function list (): void {
  console.log('scenarios')
  for (const [name, { about }] of Object.entries(SCENARIOS)) console.log(`  ${name.padEnd(20)}${about}`)
  for (const [attackClass, variants] of Object.entries(ATTACKS)) {
    console.log(attackClass)
    for (const variant of variants) console.log(`  ${variant.name.padEnd(22)}${variant.service.padEnd(12)}${(variant.manner ?? 'plain').padEnd(10)}${isHeldOut(variant) ? 'held out' : ''}`.trimEnd())
  }
  console.log('ordinary traffic')
  for (const [name, { service, looksLike }] of Object.entries(BENIGN)) console.log(`  ${name.padEnd(22)}${service.padEnd(12)}${(looksLike === undefined ? '' : `looks like ${looksLike}`).padEnd(32)}${HELD_OUT_SERVICES.includes(service) ? 'held out' : ''}`.trimEnd())
}

function able (): boolean {
  const servers = [...Object.values(SERVERS), ...Object.values(EXTRA_SERVERS)]
  const missing = missingForLab([...ATTACK_TOOLS, ...servers.flatMap((server) => [...server.tools])])
  missing.forEach((line) => { console.error(line) })
  return missing.length === 0
}

const usage = (): number => {
  console.error(USAGE)
  return 64
}

/** Options that count something; none of them may be negative. */
const COUNTS = ['seed', 'duration', 'runs', 'hours', 'jobs', 'loads', 'turn', 'dashboard-port', 'api-port'] as const

const interrupted = new AbortController()

async function main (): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string' }, seed: { type: 'string', default: '1' }, duration: { type: 'string', default: '50' }, runs: { type: 'string' }, hours: { type: 'string' }, for: { type: 'string', default: 'training' }, jobs: { type: 'string', default: String(JOBS_PER_CORE * availableParallelism()) }, loads: { type: 'string' }, turn: { type: 'string' }, name: { type: 'string' }, unseen: { type: 'boolean', default: false }, data: { type: 'string' }, 'dashboard-port': { type: 'string', default: '8081' }, 'api-port': { type: 'string', default: '8000' } },
  })
  for (const name of COUNTS) if (!(Number(values[name] ?? 0) >= 0)) throw new AutoshieldError('USAGE', `--${name} ${JSON.stringify(values[name])} is no number from 0 on`)
  const [command, subject] = positionals
  const out = values.out === undefined ? undefined : resolve(values.out) // tools in a pod have a working folder of their own
  switch (command) {
    case 'list':
      list()
      return 0
    case 'down': {
      const removed = removeFiles('abandoned')
      console.log(removed.length > 0 ? `removed ${removed.join(', ')}` : 'nothing was left behind')
      return 0
    }
    case 'run': {
      if (subject === undefined || out === undefined) return usage()
      if (!able()) return 1
      await runScenario({ scenario: subject, seed: Number(values.seed), name: values.name ?? `${subject}-${values.seed}`, folder: out, seconds: Number(values.duration), holdout: true, unseen: values.unseen, say, ...(values.loads === undefined ? {} : { loads: Number(values.loads) }), ...(values.turn === undefined ? {} : { turn: Number(values.turn) }) })
      return 0
    }
    case 'simulate': {
      if (subject === undefined || values.data === undefined) return usage()
      if (!able()) return 1
      removeFiles('abandoned')
      const found = await simulate({ scenario: subject, seed: Number(values.seed), seconds: Number(values.duration), data: values.data, dashboardPort: Number(values['dashboard-port']), apiPort: Number(values['api-port']), out: process.stdout })
      return found ? 0 : 1
    }
    case 'make-dataset': {
      const { for: purpose, runs, hours, jobs } = values
      if (out === undefined || runs === undefined || hours === undefined) return usage()
      if (!isPurpose(purpose)) throw new AutoshieldError('USAGE', `--for ${JSON.stringify(purpose)} is nothing that a data set is made for; it is one of ${Object.keys(PURPOSES).join(', ')}`)
      if (!able()) return 1
      removeFiles('abandoned')
      const index = await makeDataset({ folder: out, purpose, runs: Number(runs), hours: Number(hours), jobs: Number(jobs), say, signal: interrupted.signal })
      await writeReport(out, index)
      return index.entries.length === index.runs ? 0 : 1
    }
    case 'sources': {
      const { runs = '1', duration, seed, loads } = values
      if (out === undefined) return usage()
      if (!able()) return 1
      removeFiles('abandoned')
      return await makeSources({ folder: out, runs: Number(runs), seconds: Number(duration), seed: Number(seed), say, signal: interrupted.signal, ...(loads === undefined ? {} : { loads: Number(loads) }) }) === 0 ? 0 : 1
    }
    case 'report':
      if (subject === undefined) return usage()
      await writeReport(subject)
      return 0
    case undefined:
    default:
      return usage()
  }
}

let signals = 0
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  // The first one lets runs that are under way finish. Whatever a laboratory started dies with this process (see pod.ts).
  process.on(name, () => {
    if (signals++ === 0 && ['make-dataset', 'sources'].some((command) => process.argv.includes(command))) {
      say('finishing the runs under way; once more ends them at once')
      interrupted.abort()
      return
    }
    removeFiles('own')
    process.exit(128)
  })
}
process.exitCode = await main().catch((error: unknown) => {
  console.error(`lab: ${error instanceof Error ? error.message : String(error)}`)
  return error instanceof AutoshieldError && error.code === 'USAGE' ? 64 : 1
})
