import type { Baseline } from '../core/evidence/baseline-entry.ts'
import type { Forgetting } from '../core/evidence/baseline-book.ts'

/** What workloads are known for: learnt from live traffic, or said by people. */
export interface Baselines {
  /** By id, of live traffic; `of` keeps what has that workload or address as an end. */
  list: (of: string | null) => readonly Baseline[]
  /** Counts from the next score on, until it ends; in place of what was said of the same. Throws BAD_DATA with every problem, CONFLICT where there is no room for another. */
  teach: (spec: unknown, actor: string) => Promise<Baseline>
  /** Gives what is forgotten now. Throws NOT_FOUND where nothing is known. */
  forget: (what: Forgetting, actor: string, reason: string) => Promise<readonly Baseline[]>
}
