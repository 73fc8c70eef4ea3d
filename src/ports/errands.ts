import type { Outcome } from '../core/errand/advance.ts'
import type { Errand } from '../core/errand/errand.ts'
import type { EvidenceManifest } from '../core/errand/evidence.ts'
import type { Collection } from './object-store.ts'

/** Carries an errand out, or a part of it, once. What may go well later is an outcome, not an error. */
export interface ErrandCarrier {
  attempt: (errand: Errand, signal: AbortSignal) => Promise<Outcome>
}

/** Messages and evictions: those that wait, and what became of the others. */
export interface Errands extends Pick<Collection<Errand>, 'get' | 'list'> {
  /** Throws NOT_FOUND, or CONFLICT where it has ended. */
  cancel: (id: string, actor: string, reason: string) => Promise<Errand>
}

/** What was kept of pods before they were evicted, by the id of the errand. */
export interface Evidence {
  /** What it holds, the hash of that account, and the files that are not as it says any more. Throws NOT_FOUND, or BAD_DATA where the account cannot be understood. */
  look: (errand: string) => Promise<{ readonly manifest: EvidenceManifest, readonly sha256: string, readonly changed: readonly string[] }>
  /** Throws NOT_FOUND for a file that the account does not name. */
  read: (errand: string, file: string) => Promise<string>
}
