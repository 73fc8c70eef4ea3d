import type { AttackClass } from '../../src/core/classes.ts'
import type { Leg, Manner } from './attacks/plan.ts'
import { findAttackPackets, sumOf } from './attack-packets.ts'
import type { Seen } from './attack-packets.ts'
import type { Load } from './benign/kind.ts'
import { BENIGN } from './benign/catalogue.ts'
import { sentAs } from './attacks/sent-as.ts'
import type { SentAs } from './attacks/sent-as.ts'
import type { CaptureCounts } from './capture.ts'
import type { RunPlan } from './plan-run.ts'
import type { Place } from './place.ts'
import type { Scheduled } from './scenarios.ts'
import type { Settings } from './settings.ts'
import type { TimeKept } from './timekeeper.ts'

/** The flows that `source` opens towards `destination` on `ports` while the attack runs. */
export interface LegLabel extends Omit<Leg, 'source'>, Seen {
  /** An address; `*`: forged addresses, any that is no pod's. */
  source: string
  kind: 'pair' | 'fan-in'
  /** `direct`: an attacker opens these flows; `relay`: a pod that it went through or made to open them. */
  role: 'direct' | 'relay'
  /** Its packets from source to destination. */
  sent: number
  /** Pairs of numbers: a 0.5 s window, counted from the one that holds the run's `startedMs`, and the leg's packets in it. Windows without one are left out. */
  timeline: [number, number][]
}

export interface AttackLabel extends Seen {
  id: string
  class: AttackClass
  tool: string
  service: string
  manner: Manner
  /** Attempts or packets a second that the tool was asked for; null where it sets its own pace. */
  rate: number | null
  sentAs: SentAs
  command: string
  attacker: string
  attackers: string[]
  victims: string[]
  spoofed: boolean
  /** When the tool was started and had ended. */
  startedMs: number
  endedMs: number
  /** The last packet of the attack's flows, which may come long after the attack: answers that were repeated. */
  residueUntilMs: number | null
  legs: LegLabel[]
}

export interface BenignLabel {
  name: string
  service: string
  looksLike: AttackClass | null
  pod: string
  rate: number | null
  does: string
}

export interface RunLabels {
  run: string
  seed: number
  scenario: string
  startedMs: number
  endedMs: number
  /** Never train on it. */
  holdout: boolean
  /** It may have tools, services and rates that no run for training has. */
  unseen: boolean
  capture: { packets: number, droppedByKernel: number, snapBytes: number, time: TimeKept }
  pods: { name: string, address: string, addresses: string[], roles: string[] }[]
  attacks: AttackLabel[]
  /** The ordinary traffic: what ran in which pod. */
  benign: BenignLabel[]
  /** What lay ready for the attacks: a list of so many passwords, of which that with the index `hit` is right, or a file of so many bytes. */
  files: ({ pod: string, name: string } & ({ passwords: number, hit: number | null } | { bytes: number }))[]
  settings: Settings
}

/** What became of one planned attack. */
export interface Performed { readonly attack: Scheduled, readonly startedMs: number, readonly endedMs: number }

/** What happened around a plan: when, and what the capture says of itself. */
export interface Recorded { readonly run: string, readonly holdout: boolean, readonly startedMs: number, readonly endedMs: number, readonly counts: CaptureCounts, readonly time: TimeKept, readonly snapBytes: number, readonly performed: readonly Performed[] }

/** Labels of a run from its plan and its capture, a pcap of the laboratory's kind. */
export function labelRun (plan: RunPlan, capture: Buffer, recorded: Recorded): RunLabels {
  const { run, holdout, startedMs, endedMs, counts, time, snapBytes } = recorded
  const { options: { seed, scenario, unseen }, world, loads, attacks } = plan
  return {
    run,
    seed,
    scenario,
    startedMs,
    endedMs,
    holdout,
    unseen,
    capture: { ...counts, snapBytes, time },
    pods: world.places.map((pod) => ({ name: pod.name, address: pod.address, addresses: [...pod.addresses], roles: rolesOf(pod, loads, attacks) })),
    attacks: labelAttacks(plan, capture, recorded),
    benign: loads.map(labelLoad),
    files: world.files.map(({ pod, name, ...file }) => ({ pod, name, ...('bytes' in file ? { bytes: file.bytes } : { passwords: file.lines.length, hit: file.hit }) })),
    settings: world.settings,
  }
}

function labelLoad (load: Load): BenignLabel {
  const { name, pod, rate } = load
  const kind = BENIGN[name]
  return { name, service: kind?.service ?? 'any', looksLike: kind?.looksLike ?? null, pod: pod.name, rate, does: 'job' in load ? JSON.stringify(load.job) : load.command }
}

function labelAttacks ({ world }: RunPlan, capture: Buffer, { run, startedMs: runStartedMs, performed }: Recorded): AttackLabel[] {
  const attacked = performed.map(({ attack, startedMs, endedMs }) => ({ startedMs, endedMs, legs: attack.plan.legs }))
  const found = findAttackPackets(capture, attacked, world.places.flatMap((pod) => [...pod.addresses]), runStartedMs)
  return performed.map(({ attack: { plan }, startedMs, endedMs }, index) => {
    const seen = found[index]?.legs ?? []
    const attackers = plan.attackers.map((pod) => pod.address)
    const legs = plan.legs.map((leg, at): LegLabel => ({
      ...leg,
      source: leg.source ?? '*',
      kind: leg.source === null ? 'fan-in' : 'pair',
      role: leg.source === null || attackers.includes(leg.source) ? 'direct' : 'relay',
      ...sumOf(seen.slice(at, at + 1)),
      sent: seen[at]?.sent ?? 0,
      timeline: seen[at]?.timeline ?? [],
    }))
    return {
      id: `${run}-${index + 1}`,
      class: plan.class,
      tool: plan.tool,
      service: plan.service,
      manner: plan.manner,
      rate: plan.rate,
      sentAs: sentAs(plan),
      command: plan.command,
      attacker: attackers[0] ?? '',
      attackers,
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

function rolesOf (pod: Place, loads: readonly Load[], attacks: readonly Scheduled[]): string[] {
  return [
    pod.name,
    ...(loads.some((load) => load.pod === pod) ? ['client'] : []),
    ...(attacks.some(({ plan }) => plan.attackers.includes(pod)) ? ['attacker'] : []),
    ...(attacks.some(({ plan }) => plan.victims.some((victim) => pod.addresses.includes(victim))) ? ['victim'] : []),
  ]
}
