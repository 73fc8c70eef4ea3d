import { setTimeout as delay } from 'node:timers/promises'
import type { KubernetesApi } from '../../src/ports/kubernetes.ts'
import type { Lab } from '../lab/lab.ts'
import type { Random } from '../lab/random.ts'
import { ATTACKERS, VICTIMS } from './ground.ts'
import { look } from './watching.ts'

const PORTS = 500
const PER_SECOND = 250
const ANSWERED_WITHIN_MS = 120_000

const scan = async (lab: Lab, attacker: string, address: string): Promise<unknown> =>
  lab.pod(attacker).run(`nmap -n -Pn -sT --max-retries 0 --max-rate ${PER_SECOND} -p1-${PORTS} ${address}`, { timeoutMs: 15_000 })

/** Each attacker scans a victim, rests, and goes on, until the signal aborts. */
export async function attacking (lab: Lab, random: Random, signal: AbortSignal): Promise<void> {
  await Promise.all(ATTACKERS.map(async ({ name }) => {
    const own = random.fork(name)
    while (!signal.aborted) {
      await scan(lab, name, own.pick(VICTIMS).address)
      await delay(own.integer(3_000, 12_000), undefined, { signal }).catch(() => undefined)
    }
  }))
}

/** All attack at once until each has a mitigation that began after that; those that got none in time. */
export async function lastAttacks (lab: Lab, api: KubernetesApi): Promise<readonly string[]> {
  const sinceMs = Date.now()
  const answered = await Promise.all(ATTACKERS.map(async ({ name, address }) => {
    while (Date.now() < sinceMs + ANSWERED_WITHIN_MS) {
      await scan(lab, name, VICTIMS[0].address)
      const mitigations = await look(api).then((sight) => sight.mitigations, () => []) // it did not answer in time: looked at again
      if (mitigations.some(({ metadata, spec: { subject } }) => subject !== 'anySource' && subject.addresses.includes(address) && Date.parse(metadata.creationTimestamp) >= sinceMs)) return true
    }
    return false
  }))
  return ATTACKERS.filter((_, at) => answered[at] !== true).map(({ name }) => name)
}
