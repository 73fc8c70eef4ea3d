import type { Facts } from '../evidence/facts.ts'
import type { Forging } from '../evidence/forging.ts'
import { usualOfKey } from '../evidence/known-for.ts'
import { see, type Memory, type Seen } from '../evidence/memory.ts'
import type { NameOf } from '../evidence/remembering.ts'
import { taughtAmount } from '../evidence/taught.ts'
import { workloadKey } from '../pod.ts'
import { CONTEXT_COLUMNS } from '../tensor/context.ts'
import { windowStartMs } from '../window/window.ts'
import type { Score } from './score.ts'
import type { VerdictContext, VerdictState } from './state.ts'

export const memoryOf = ({ memory }: Pick<VerdictState, 'memory'>, { simulated }: Pick<Score, 'simulated'>): Memory => simulated ? memory.replay : memory.live

/** Ends are remembered by workload where it is known: a new pod of it is no stranger. */
export const namesOf = ({ whois }: Pick<VerdictContext, 'whois'>): NameOf => (address) => {
  const pod = whois(address)
  return pod === null ? address : workloadKey(pod) ?? address
}

export const seenIn = ({ key, window }: Score): Seen => ({ key, ports: window.ports, atMs: window.firstPacketMs })

/** What named evidence may look at, with this score taken into what is remembered. Null for a score whose context columns are another version's. */
export function factsOf (state: Pick<VerdictState, 'memory'>, score: Score, context: Pick<VerdictContext, 'whois' | 'foundAtAdmission' | 'forging'>): Facts | null {
  const { key } = score
  const memory = memoryOf(state, score)
  const nameOf = namesOf(context)
  const atMs = windowStartMs(score.window)
  const taught = taughtAmount(memory.taught, key, atMs, nameOf)
  const past = see(memory, seenIn(score), nameOf)
  if (score.context.length !== CONTEXT_COLUMNS.length) return null
  const attack = key.kind === 'fan-in' ? undefined : memory.attacks.get(key.source)
  const isAnswer = attack !== undefined && key.kind === 'pair' && attack.source === key.destination
  return {
    score,
    atMs,
    past,
    attacked: attack === undefined || isAnswer ? null : attack,
    usual: usualOfKey(memory, { key, stepMs: score.stepMs, atMs }, past, nameOf, taught),
    taught,
    forging: score.simulated ? null : forgingOf(score, context.forging()),
    admission: () => key.kind === 'fan-in' ? null : context.foundAtAdmission(key.source),
  }
}

/** Whose forged packets a key's may be. */
function forgingOf ({ key, unproved }: Score, all: readonly Forging[]): Forging | null {
  if (key.kind === 'fan-in' || (key.kind === 'pair' && unproved > 0)) return all[0] ?? null
  return all.find(({ addresses }) => addresses.includes(key.source)) ?? null
}
