import type { Unfamiliar } from '../drift/drift.ts'
import type { Forging } from '../evidence/forging.ts'
import { emptyMemory, type Memory } from '../evidence/memory.ts'
import { emptyBaselines, type Baselines } from './baseline.ts'
import type { VerdictModel, Whois } from './case.ts'
import { CaseTable } from './case-table.ts'
import type { Chains } from './chains.ts'
import type { Score } from './score.ts'

/** All that lasts between scores. Owned by whoever made it, changed by `step` alone; tables are bounded and say what they dropped. */
export interface VerdictState {
  model: VerdictModel | null
  readonly cases: CaseTable
  readonly chains: Chains
  readonly baselines: Baselines
  /** What is remembered of live traffic, and of replays, which teach nothing about it. */
  readonly memory: { readonly live: Memory, readonly replay: Memory }
  /** End of the newest replayed window: the clock of a replay. */
  replayMs: number
}

export const emptyVerdict = (): VerdictState =>
  ({ model: null, cases: new CaseTable(), chains: new Map(), baselines: emptyBaselines(), memory: { live: emptyMemory(), replay: emptyMemory() }, replayMs: 0 })

/** What the state machine may ask of the world; `newId` gives names that nobody else has. */
export interface VerdictContext {
  readonly nowMs: number
  readonly newId: () => string
  readonly whois: Whois
  /** A node's, a NAT's, a gateway's address. */
  readonly standsForMany: (address: string) => boolean
  /** That a score comes from where the model does not know such traffic. */
  readonly unfamiliar: (score: Score) => Unfamiliar | null
  /** The newest finding of at least medium severity about an address's pod at admission, in words; null where there is none. */
  readonly foundAtAdmission: (address: string) => string | null
  /** Pods out of which forged packets came within the last minute, most packets first. */
  readonly forging: () => readonly Forging[]
}
