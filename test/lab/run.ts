import { mkdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { workloadCommand } from './benign.ts'
import type { Load } from './benign.ts'
import { findAttackPackets, sumOf } from './labels.ts'
import type { AttackLabel, RunLabels } from './labels.ts'
import type { Pod } from './pod.ts'
import type { LabProcess } from './process.ts'
import { randomFrom } from './random.ts'
import { SCENARIOS } from './scenarios.ts'
import type { DrawOptions, Scheduled } from './scenarios.ts'
import { buildWorld } from './world.ts'
import type { World } from './world.ts'
import type { AttackPlan } from './attacks/plan.ts'

export interface RunOptions extends DrawOptions {
  scenario: string
  seed: number
  /** The run's name; its files are `FOLDER/NAME.pcap.zst` and `FOLDER/NAME.labels.json`. */
  name: string
  folder: string
  /** Recorded in the labels: never train on it. */
  holdout: boolean
  say: (line: string) => void
}

const SNAP_BYTES = 96
const compress = promisify(zstdCompress)

interface Performed { plan: AttackPlan, startedMs: number, endedMs: number }

/** Runs one scenario in a laboratory of its own and leaves a labelled capture. Fails where an attack sent nothing. */
export async function runScenario (options: RunOptions): Promise<RunLabels> {
  const { name, folder, seconds, say } = options
  const scenario = SCENARIOS[options.scenario]
  if (!scenario) throw new Error(`no scenario '${options.scenario}'; there are: ${Object.keys(SCENARIOS).join(', ')}`)
  mkdirSync(folder, { recursive: true })
  await using world = await buildWorld(randomFrom(`${options.scenario}/${options.seed}`), scenario.settings)
  const file = join(world.lab.folder, 'capture.pcap')
  const { loads, attacks } = scenario.draw(world, options)
  say(`${name}: laboratory is up; ${loads.length} loads, ${attacks.length} attacks, ${seconds} s`)
  const capture = await world.lab.capture(file, { snapBytes: SNAP_BYTES })
  const startedMs = Date.now()
  const running = startLoads(loads)
  const performed = await Promise.all([delay(seconds * 1000), ...attacks.map((attack) => perform(world, attack, say))])
  await Promise.all(running.map((load) => load.stop()))
  const counts = await capture.stop()
  const packets = await readFile(file)
  const labels: RunLabels = {
    run: name,
    seed: options.seed,
    scenario: options.scenario,
    startedMs,
    endedMs: Date.now(),
    holdout: options.holdout,
    capture: { ...counts, snapBytes: SNAP_BYTES },
    pods: world.lab.pods.map((pod) => ({ name: pod.name, address: pod.address, addresses: [...pod.addresses], roles: rolesOf(pod, loads, attacks) })),
    attacks: label(name, packets, performed.filter((one) => one !== undefined), world),
    benign: loads.map((load) => ({ name: load.name, pod: load.pod.name, does: 'job' in load ? JSON.stringify(load.job) : load.command })),
    settings: world.settings,
  }
  const silent = labels.attacks.filter((attack) => attack.packets === 0)
  if (silent.length > 0) throw new Error(`${name}: ${silent.map((attack) => `'${attack.command}' sent nothing`).join('; ')}`)
  await writeFile(join(folder, `${name}.pcap.zst`), await compress(packets, { params: { [constants.ZSTD_c_compressionLevel]: 12 } }))
  await writeFile(join(folder, `${name}.labels.json`), `${JSON.stringify(labels, null, 1)}\n`)
  say(`${name}: ${counts.packets} packets, ${counts.droppedByKernel} dropped; ${labels.attacks.map((attack) => `${attack.tool} ${attack.packets}`).join(', ') || 'no attack'}`)
  return labels
}

/** One process per pod for all of its jobs, and one for each command. */
function startLoads (loads: readonly Load[]): LabProcess[] {
  const jobs = new Map<Pod, Extract<Load, { job: unknown }>['job'][]>()
  const commands: LabProcess[] = []
  for (const load of loads) {
    if ('job' in load) jobs.set(load.pod, [...jobs.get(load.pod) ?? [], load.job])
    else commands.push(load.pod.spawn(load.command))
  }
  return [...commands, ...[...jobs].map(([pod, list]) => pod.spawn(workloadCommand(list)))]
}

async function perform (world: World, { atSeconds, plan }: Scheduled, say: (line: string) => void): Promise<Performed> {
  await delay(atSeconds * 1000)
  say(`  ${plan.class}: ${plan.tool} by ${plan.attackers.map((pod) => pod.name).join(', ')}`)
  const startedMs = Date.now()
  const helpers = (plan.helpers ?? []).map(({ pod, command }) => pod.spawn(command))
  const outcomes = await Promise.all(plan.attackers.map((pod) => pod.run(plan.command, { timeoutMs: plan.seconds * 1000 })))
  const endedMs = Date.now()
  await Promise.all(helpers.map((helper) => helper.stop('SIGTERM', 500)))
  if (plan.cleanup !== undefined) for (const pod of plan.attackers) await pod.must(plan.cleanup)
  for (const outcome of outcomes) {
    if (outcome.code !== 0 && !outcome.timedOut) say(`  ${plan.tool} ended with ${outcome.code}: ${(outcome.stderr || outcome.stdout).trim().slice(-200)}`)
  }
  return { plan, startedMs, endedMs }
}

function label (run: string, capture: Buffer, performed: readonly Performed[], world: World): AttackLabel[] {
  const attacks = performed.map(({ plan, startedMs, endedMs }) => ({ startedMs, endedMs, legs: plan.legs }))
  const found = findAttackPackets(capture, attacks, world.lab.pods.flatMap((pod) => [...pod.addresses]))
  return performed.map(({ plan, startedMs, endedMs }, index) => {
    const seen = found[index]?.legs ?? []
    const legs = plan.legs.map((leg, at) => ({ ...leg, source: leg.source ?? '*', kind: leg.source === null ? 'fan-in' as const : 'pair' as const, ...sumOf(seen.slice(at, at + 1)) }))
    return {
      id: `${run}-${index + 1}`,
      class: plan.class,
      tool: plan.tool,
      command: plan.command,
      attacker: plan.attackers[0]?.address ?? '',
      attackers: plan.attackers.map((pod) => pod.address),
      victims: plan.victims,
      spoofed: plan.legs.some((leg) => leg.source === null),
      ...sumOf(seen),
      startedMs,
      endedMs,
      residueUntilMs: found[index]?.residueUntilMs ?? null,
      legs: legs.filter((leg) => leg.packets > 0 || plan.legs.length === 1),
    }
  })
}

function rolesOf (pod: Pod, loads: readonly Load[], attacks: readonly Scheduled[]): string[] {
  return [
    pod.name,
    ...(loads.some((load) => load.pod === pod) ? ['client'] : []),
    ...(attacks.some(({ plan }) => plan.attackers.includes(pod)) ? ['attacker'] : []),
    ...(attacks.some(({ plan }) => plan.victims.some((victim) => pod.addresses.includes(victim))) ? ['victim'] : []),
  ]
}
