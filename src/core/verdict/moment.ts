import { MISSING, type Piece } from '../evidence/combine.ts'
import { withNamed } from '../explain/with-named.ts'
import type { Explanation } from './detection.ts'

/** What one score says of a class: of the model, and in all (`combine`), in nats above the point that speaks neither for nor against. */
interface Moment {
  readonly model: number
  readonly news: number
  readonly named: readonly Piece[]
}

/** By so much a moment must be stronger to be shown in place of another: as much likelier as a factor of e in the odds. */
export const RISE_NATS = 1

/**
 * Whether a score is shown in place of the moment by which a detection is explained so far.
 *
 *     in all, beside the moment that is shown | a kind of evidence speaks for the class that never did | shown
 *     stronger by RISE_NATS or more           | -                                                      | yes
 *     stronger by less                        | yes                                                    | yes
 *     stronger by less                        | no                                                     | no
 *     not stronger                            | -                                                      | no: a kind that joins is told beside the moment that is shown
 *
 * Whenever one is shown, the detector is asked why. A log-odds is bounded and a kind joins once, so that a detection asks for no more than
 * some forty accounts in its life, however long it lasts; a steady one for one.
 */
export function isShown ({ nats = Infinity, named: told = [] }: Pick<Explanation, 'nats' | 'named'>, { news, named }: Moment): boolean {
  const known = new Set(told.filter(speaksFor).map(({ kind }) => kind))
  return news >= nats + RISE_NATS || (news > nats && named.some((piece) => speaksFor(piece) && !known.has(piece.kind)))
}

/** The account of the moment that is shown from now on, with the evidence of the life before. */
export const shownFirst = (account: Explanation, moment: Moment, before: readonly Piece[] | null): Explanation =>
  ({ ...withNamed(account, moment.model, before === null ? moment.named : ofWholeLife(moment.named, before)), nats: moment.news })

/** The account of the moment that is shown, with what a later one adds to the evidence. */
export function alsoNamed (shown: Explanation, { named }: Moment): Explanation {
  const before = shown.named ?? []
  const after = ofWholeLife(before, named)
  return after.length === before.length && after.every((piece, index) => piece === before[index]) ? shown : withNamed(shown, shown.model ?? 0, after)
}

/** What the model said when it was asked, where the moment that it was asked of is still shown; else null. */
export function answered (shown: Explanation, answer: Explanation): Explanation | null {
  const isSame = answer.stepMs === shown.stepMs && answer.windowNumber === shown.windowNumber &&
    answer.tensor.every((row, at) => row.every((value, column) => value === shown.tensor[at]?.[column]))
  if (!isSame) return null
  const { named = [], model = 0, nats } = shown
  return { ...withNamed(answer, model, named), ...(nats !== undefined && { nats }) }
}

/**
 * Evidence of a whole life, strongest first: each kind where it spoke most for the class, and of what the class lacked what it lacked all
 * the time. Where a kind said as much twice, `first` is told.
 */
function ofWholeLife (first: readonly Piece[], other: readonly Piece[]): readonly Piece[] {
  if (first.length === 0 || other.length === 0) return first.length === 0 ? other : first // nobody looked
  const strongest = new Map<string, Piece>()
  for (const piece of [...first, ...other]) {
    const known = strongest.get(piece.kind)
    if (piece.kind !== MISSING && (known === undefined || piece.nats > known.nats)) strongest.set(piece.kind, piece)
  }
  const lacked = first.filter(({ kind, sentence }) => kind === MISSING && other.some((piece) => piece.kind === MISSING && piece.sentence === sentence))
  return [...strongest.values(), ...lacked].sort((one, two) => two.nats - one.nats)
}

const speaksFor = ({ nats }: Piece): boolean => nats > 0
