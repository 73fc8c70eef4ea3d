import type { WindowKey } from '../window/window.ts'
import type { Case } from './case.ts'

/** The story on each source, in the order of its newest part. Bounded; changed by `storyOf` alone. */
export type Chains = Map<string, { readonly id: string, readonly lastMs: number }>

const MAX_CHAINS = 10_000
/** A source that was quiet for so long begins a new story. */
const CHAIN_IDLE_MS = 30 * 60_000

/** The story of a case's source, whatever class and kind; of a fan-in that of the one source whose pair is told of, where it is one. */
export function storyOf (chains: Chains, cases: Iterable<Case>, of: Case, nowMs: number, newId: () => string): string {
  const own = chainOf(chains, of.key, nowMs, newId)
  if (of.key.kind !== 'fan-in' || of.detection !== null) return own
  const { destination } = of.key
  const stories = new Set<string>()
  for (const { className, key, detection, simulated } of cases) {
    const fellow = key.kind === 'pair' && key.destination === destination && className === of.className && simulated === of.simulated
    if (fellow && detection !== null && detection.phase !== 'closed') stories.add(detection.chain)
  }
  const [only = own] = stories
  return stories.size === 1 ? only : own
}

/** A fan-in has only its victim to be told of. */
function chainOf (chains: Chains, key: WindowKey, nowMs: number, newId: () => string): string {
  const teller = tellerOf(key)
  const known = chains.get(teller)
  const id = known !== undefined && nowMs - known.lastMs < CHAIN_IDLE_MS ? known.id : newId()
  chains.delete(teller)
  chains.set(teller, { id, lastMs: nowMs })
  const oldest = chains.keys().next()
  if (chains.size > MAX_CHAINS && oldest.done !== true) chains.delete(oldest.value)
  return id
}

/** Whether somebody was suspected of something there within half an hour. */
export function isSpokenOf (chains: Chains, key: WindowKey, nowMs: number): boolean {
  const known = chains.get(tellerOf(key))
  return known !== undefined && nowMs - known.lastMs < CHAIN_IDLE_MS
}

const tellerOf = (key: WindowKey): string => key.kind === 'fan-in' ? `*>${key.destination}` : key.source
