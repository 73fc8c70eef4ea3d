import { mkdirSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { WORKER } from './accounts.ts'
import { workloadCommand } from './benign/catalogue.ts'
import type { Load } from './benign/kind.ts'
import { faultsOf } from './faults.ts'
import type { Lab } from './lab.ts'
import { labelRun } from './labels.ts'
import type { Performed, RunLabels } from './labels.ts'
import { planRun } from './plan-run.ts'
import type { RunOptions, RunPlan } from './plan-run.ts'
import type { LabProcess } from './process.ts'
import type { Scheduled } from './scenarios.ts'
import { Timekeeper } from './timekeeper.ts'
import { raise } from './world.ts'

export interface CaptureOptions extends RunOptions {
  name: string
  /** Where the capture is written, a .pcap. */
  file: string
  /** Recorded in the labels: never train on it. */
  holdout: boolean
  say: (line: string) => void
  /** Called when the laboratory has been raised, and its capture begins. */
  up: () => void
  /** Whether a machine that lost time is a fault of the run (`faults.ts`); it is where nothing is said. */
  paced?: boolean
  /** Puts proxies before the pods that are to have one and watches them, beside the capture, in the place of the laboratory's own Envoys. */
  watch?: (lab: Lab, plan: RunPlan) => Promise<RunWatch>
}

/** What watches a run beside its capture. */
export interface RunWatch extends AsyncDisposable {
  /** Called when attacks and ordinary work have ended; the capture goes on until it has seen what it waits for. */
  readonly finish: () => Promise<void>
}

const SNAP_BYTES = 96
const compress = promisify(zstdCompress)

/**
 * Runs one scenario in a laboratory of its own, and hands its capture and labels to `keep` while the laboratory is still there. Fails
 * where the run has a fault (`faults.ts`).
 */
export async function captureRun<T> (options: CaptureOptions, keep: (capture: string, labels: RunLabels) => Promise<T>): Promise<T> {
  const { name, file, seconds, say } = options
  const plan = planRun(options)
  await using lab = await raise(plan.world, options.watch === undefined ? undefined : async () => undefined)
  await using watch = await options.watch?.(lab, plan) ?? null
  say(`${name}: laboratory is up; ${plan.loads.length} loads, ${plan.attacks.length} attacks, ${seconds} s`)
  options.up()
  const capture = await lab.capture(file, { snapBytes: SNAP_BYTES })
  using clock = new Timekeeper()
  const startedMs = Date.now()
  const running = startLoads(lab, plan)
  const [, ...performed] = await Promise.all([delay(seconds * 1000), ...plan.attacks.map((attack) => perform(lab, attack, say))])
  const time = clock.take()
  await Promise.all(running.map((load) => load.stop()))
  await watch?.finish()
  const counts = await capture.stop()
  const labels = labelRun(plan, await readFile(file), { run: name, holdout: options.holdout, startedMs, endedMs: Date.now(), counts, time, snapBytes: SNAP_BYTES, performed })
  const faults = faultsOf(labels, options.paced)
  if (faults.length > 0) throw new Error(`${name}: ${faults.join('; ')}`)
  return await keep(file, labels)
}

/** Leaves a run's labelled capture: `FOLDER/NAME.pcap.zst` and `FOLDER/NAME.labels.json`. */
export async function runScenario ({ folder, ...options }: Omit<CaptureOptions, 'file' | 'up'> & { folder: string }): Promise<RunLabels> {
  const { name, say } = options
  const file = join(folder, `${name}.pcap`)
  planRun(options) // an unknown scenario is refused before anything is made
  mkdirSync(folder, { recursive: true })
  try {
    return await captureRun({ ...options, file, up: () => undefined }, async (_, labels) => {
      await writeFile(`${file}.zst`, await compress(await readFile(file), { params: { [constants.ZSTD_c_compressionLevel]: 12 } }))
      await writeFile(join(folder, `${name}.labels.json`), `${JSON.stringify(labels)}\n`)
      const { packets, droppedByKernel } = labels.capture
      say(`${name}: ${packets} packets, ${droppedByKernel} dropped; ${labels.attacks.map((attack) => `${attack.tool} ${attack.packets}`).join(', ') || 'no attack'}`)
      return labels
    })
  } finally {
    rmSync(file, { force: true })
  }
}

/** One process per pod for all of its jobs, and one for each command; all as the worker, whose packets are marked. */
export function startLoads (lab: Lab, { loads, options: { scenario, seed } }: RunPlan): LabProcess[] {
  const jobs = new Map<string, Extract<Load, { job: unknown }>['job'][]>()
  const commands: LabProcess[] = []
  const start = (pod: string, command: string) => lab.pod(pod).spawn(AS_WORKER, { env: { LOAD: command } })
  for (const load of loads) {
    if ('job' in load) jobs.set(load.pod.name, [...jobs.get(load.pod.name) ?? [], load.job])
    else commands.push(start(load.pod.name, load.command))
  }
  return [...commands, ...[...jobs].map(([pod, list]) => start(pod, workloadCommand(`${scenario}/${seed}/${pod}`, list)))]
}

/** The client is read from this tree, wherever that lies and whoever may read it. */
const READS = '+dac_read_search'
const AS_WORKER = `cd ~${WORKER.name} && HOME=$PWD exec setpriv --reuid ${WORKER.name} --regid ${WORKER.name} --clear-groups --inh-caps ${READS} --ambient-caps ${READS} bash -c "$LOAD"`

/** Does one attack when its time has come, to its end. */
export async function perform (lab: Lab, attack: Scheduled, say: (line: string) => void): Promise<Performed> {
  const { atSeconds, plan } = attack
  await delay(atSeconds * 1000)
  say(`  ${plan.class}: ${plan.tool} by ${plan.attackers.map((pod) => pod.name).join(', ')}`)
  const startedMs = Date.now()
  const helpers = (plan.helpers ?? []).map(({ pod, command }) => lab.pod(pod.name).spawn(command))
  const outcomes = await Promise.all(plan.attackers.map((pod, share) => lab.pod(pod.name).run(plan.command, { timeoutMs: plan.seconds * 1000, env: { SHARE: String(share) } })))
  const endedMs = Date.now()
  await Promise.all(helpers.map((helper) => helper.stop('SIGTERM', 500)))
  if (plan.cleanup !== undefined) for (const pod of plan.attackers) await lab.pod(pod.name).must(plan.cleanup)
  for (const outcome of outcomes) {
    if (outcome.code !== 0 && !outcome.timedOut) say(`  ${plan.tool} ended with ${outcome.code}: ${(outcome.stderr || outcome.stdout).trim().slice(-200)}`)
  }
  return { attack, startedMs, endedMs }
}
