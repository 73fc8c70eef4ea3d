import type { Diary } from './diary.ts'
import { overBudget, repeated, untold } from './invariants/actions.ts'
import { usurped } from './invariants/leaders.ts'
import { leftOver, unanswered } from './invariants/objects.ts'
import { harmed, misjudged, piercing } from './invariants/reach.ts'
import { chainFaults, forgottenOrders } from './invariants/trail.ts'

/** What must hold whatever is killed, and what finds where it does not. */
export const INVARIANTS = {
  'one chain': { means: 'the audit trail is one unbroken chain, the same at each replica', faults: chainFaults },
  'nothing forgotten': { means: 'what a leader acknowledged is in the trail and in the API server', faults: forgottenOrders },
  'nothing twice': { means: 'no decision, beginning or end twice, and one mitigation at a time for one case', faults: repeated },
  'all told': { means: 'every mitigation has its decision, its beginning and its end in the trail, and nothing else is there', faults: untold },
  'within budget': { means: 'in no minute more actions than the budgets allow', faults: overBudget },
  'one leader': { means: 'who acts holds the lease, and a term has one leader', faults: usurped },
  'nothing left': { means: 'after attacks have ended every restriction is gone, with all that carried it', faults: leftOver },
  'none lost': { means: 'an attack while all runs is answered', faults: unanswered },
  'denied is denied': { means: 'nobody gets through a denial that the victim\'s proxy has taken', faults: piercing },
  'no harm': { means: 'who did nothing is served, but for a short grace', faults: harmed },
  'policies cut right': { means: 'stored NetworkPolicies cut what they should and nobody else (by our evaluator)', faults: misjudged },
} as const satisfies Record<string, { readonly means: string, readonly faults: (diary: Diary) => readonly string[] }>
export type Invariant = keyof typeof INVARIANTS

export interface Violation {
  readonly invariant: Invariant
  readonly what: string
}

export const violationsOf = (diary: Diary): readonly Violation[] =>
  (Object.keys(INVARIANTS) as Invariant[]).flatMap((invariant) => INVARIANTS[invariant].faults(diary).map((what) => ({ invariant, what })))
