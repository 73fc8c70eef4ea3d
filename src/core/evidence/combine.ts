import type { AttackClass } from '../classes.ts'
import type { Facts } from './facts.ts'
import type { EvidenceKind } from './kind.ts'
import type { ClassRule } from './table.ts'

/** One piece of evidence for or against a class, as it is told. */
export interface Piece {
  readonly kind: string
  /** Log-odds that it adds. */
  readonly nats: number
  readonly sentence: string
}

/** Named evidence counts for so much at most, and against for so much. One overwhelming window of the model suffices against all of it. */
export const MOST_FOR = 5
export const MOST_AGAINST = -2.5

/** Share of its weight from which on a piece helps to open a detection. */
const OPENS_FROM = 0.5

export interface Named {
  readonly pieces: readonly Piece[]
  /** Sum of the pieces, bounded. */
  readonly nats: number
  /** Whether the class's rule lets these pieces open a detection by themselves. */
  readonly mayOpen: boolean
}

/** The kind of a piece that says what the class lacks. */
export const MISSING = 'missing'

export const NOTHING_NAMED: Named = { pieces: [], nats: 0, mayOpen: false }

/** What the kinds find for the class of a rule. */
export function nameEvidence ({ className, marks, opens }: ClassRule & { readonly className: AttackClass }, kinds: readonly EvidenceKind[], facts: Facts): Named {
  const pieces: Piece[] = []
  const found = new Map<string, number>()
  for (const { name, weights, find } of kinds) {
    const weight = weights[className]
    const finding = weight === undefined ? null : find(facts)
    if (weight === undefined || finding === null) continue
    found.set(name, finding.strength)
    pieces.push({ kind: name, nats: weight * finding.strength, sentence: finding.sentence })
  }
  for (const { kinds: wanted, missing, sentence } of marks) {
    const looked = kinds.some(({ name }) => wanted.includes(name))
    if (looked && !wanted.some((kind) => (found.get(kind) ?? 0) > 0)) pieces.push({ kind: MISSING, nats: missing, sentence })
  }
  pieces.sort((one, other) => other.nats - one.nats)
  const sum = pieces.reduce((total, { nats }) => total + nats, 0)
  return {
    pieces,
    nats: Math.min(Math.max(sum, MOST_AGAINST), MOST_FOR),
    mayOpen: opens.some((set) => set.every((kind) => (found.get(kind) ?? 0) >= OPENS_FROM)),
  }
}

/**
 * Nats by which a class on a key is likelier than not to be looked at: the model's log-odds above its neutral point, where its no counts
 * for at most `doubt`, and the named evidence.
 *
 * | the model speaks for the class | the class's rule lets the evidence open | the sum may reach |
 * | --- | --- | --- |
 * | yes | yes | any height |
 * | yes | no | any height |
 * | no | yes | any height |
 * | no | no | 0: nobody is suspected for it |
 */
export function combine (model: number, { nats, mayOpen }: Named, doubt: number): number {
  const sum = Math.max(model, -doubt) + nats
  return model > 0 || mayOpen ? sum : Math.min(sum, 0)
}
