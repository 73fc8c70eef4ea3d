import type { WindowKey } from '../window/window.ts'

/** The story on each source, in the order of its newest part. Bounded; changed by `chainOf` alone. */
export type Chains = Map<string, { readonly id: string, readonly lastMs: number }>

const MAX_CHAINS = 10_000
/** A source that was quiet for so long begins a new story. */
const CHAIN_IDLE_MS = 30 * 60_000

/** The story that a detection on this key belongs to, whatever its class and kind; a fan-in has only its victim to be told of. */
export function chainOf (chains: Chains, key: WindowKey, nowMs: number, newId: () => string): string {
  const teller = key.kind === 'fan-in' ? `*>${key.destination}` : key.source
  const known = chains.get(teller)
  const id = known !== undefined && nowMs - known.lastMs < CHAIN_IDLE_MS ? known.id : newId()
  chains.delete(teller)
  chains.set(teller, { id, lastMs: nowMs })
  const oldest = chains.keys().next()
  if (chains.size > MAX_CHAINS && oldest.done !== true) chains.delete(oldest.value)
  return id
}
