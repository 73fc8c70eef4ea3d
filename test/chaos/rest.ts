import { setTimeout as delay } from 'node:timers/promises'
import type { KubernetesApi } from '../../src/ports/kubernetes.ts'
import { lastAttacks } from './attacks.ts'
import type { Cast } from './cast.ts'
import type { Probe, Rest } from './diary.ts'
import type { Downtimes } from './downtimes.ts'
import { ATTACKERS, type Ground, VICTIMS } from './ground.ts'
import { leadOf, look } from './watching.ts'

/** Far more than anything needs: this is no aim, but where waiting is given up. */
const GIVE_UP_MS = 150_000

export interface Seen {
  readonly api: KubernetesApi
  readonly ground: Ground
  readonly cast: Cast
  readonly downtimes: Downtimes
  readonly probes: readonly Probe[]
}

/**
 * Lets everything come back and every mitigation end, attacks once more, and waits until nothing is left of it. Where that does not come to pass, what is left is in
 * the answer.
 */
export async function rest (seen: Seen, say: (line: string) => void): Promise<Rest> {
  const { api, ground: { lab }, probes } = seen
  const up = await settled(async () => allRuns(seen))
  if (!up) say('not everything is back')
  // One that is in force is made to last while its attack goes on: a new one would not have to begin.
  const clear = await settled(async () => (await look(api)).mitigations.every(({ status }) => status.phase !== 'active'))
  if (!clear) say('mitigations are still in force')
  const unanswered = await lastAttacks(lab, api)
  const states: Omit<Rest, 'unanswered'>[] = []
  const quiet = await settled(async () => {
    const atMs = Date.now()
    const { mitigations, unfinished, policies, marked } = await look(api)
    const refused = pairs().filter(([source, victim]) => probes.findLast((probe) => probe.source === source && probe.victim === victim)?.got !== 'served').map((pair) => pair.join(' > '))
    states.push({ atMs, mitigations, unfinished, policies: policies.map(({ key, mitigation }) => ({ key, mitigation })), marked, refused })
    return unfinished.length + policies.length + marked.length + refused.length === 0 && mitigations.every(({ status }) => status.phase !== 'active')
  })
  const state = states.at(-1)
  if (state === undefined) throw new Error('the API server could not be asked for what is left')
  if (!quiet) say('something is left')
  return { ...state, unanswered }
}

const pairs = (): [string, string][] => ATTACKERS.flatMap(({ name }) => VICTIMS.map((victim): [string, string] => [name, victim.name]))

/** All processes are there, one leads with the other in step, the proxies stand, and the API server answers. */
export async function allRuns ({ api, cast, downtimes }: Seen): Promise<boolean> {
  const { holder, inStep } = await leadOf(api)
  const leading = cast.controllers.find(({ pod }) => pod.name === holder)
  const following = cast.controllers.find(({ pod }) => pod.name !== holder)
  return downtimes.allUp && cast.members.every(({ state }) => state === 'runs') && leading !== undefined && following !== undefined && inStep.includes(following.pod.name) && leading.member.running.stdout.includes('the controller runs')
}

/** Whether it came to be so before waiting was given up. */
export async function settled (isSo: () => Promise<boolean>): Promise<boolean> {
  for (const endMs = Date.now() + GIVE_UP_MS; Date.now() < endMs;) {
    if (await isSo().catch(() => false)) return true
    await delay(500)
  }
  return false
}
