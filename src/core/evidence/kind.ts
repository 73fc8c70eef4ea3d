import type { AttackClass } from '../classes.ts'
import type { Facts } from './facts.ts'

/** What a kind of evidence found. */
export interface Finding {
  /** How much of the kind's weight it has, above 0 and up to 1; below 0 it speaks against, down to -1. */
  readonly strength: number
  /** For a person: who did what, with numbers. */
  readonly sentence: string
}

/** One kind of named evidence. */
export interface EvidenceKind {
  readonly name: string
  /** What it looks at, for the table in the documents. */
  readonly looksAt: string
  /** Log-odds (nats) that a finding of strength 1 adds, by class. */
  readonly weights: Readonly<Partial<Record<AttackClass, number>>>
  /** Null where it sees nothing to speak of. */
  readonly find: (facts: Facts) => Finding | null
}
