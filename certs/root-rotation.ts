/** A root as far as rotation needs to know it. */
export interface RootRecord {
  readonly id: string
  readonly notAfterMs: number
}

/** Which roots are trusted, and since when each plays its part. The bundle is all of them. */
export interface Roots {
  /** The one that signs. */
  readonly signer: RootRecord
  /** Trusted, but signs nothing yet: the bundle with it has to reach everybody first. */
  readonly next: (RootRecord & { readonly trustedSinceMs: number }) | null
  /** Sign no more, and are trusted while a leaf of theirs may be in use. */
  readonly retired: ReadonlyArray<RootRecord & { readonly retiredAtMs: number }>
}

export interface RotationSettings {
  /** A successor is made so long before the signer ends. */
  readonly overlapMs: number
  /** A root signs when it has been in the bundle for so long. At least a leaf's life: whoever has a valid leaf got it with a newer bundle. */
  readonly publishMs: number
  /** After a start, so long passes before a successor takes over: the bundle may not have gone out while nobody ran. */
  readonly settleMs: number
  /** Life of a leaf. */
  readonly leafMs: number
  /** For replicas that have not heard yet that a root is retired, and for clocks that differ. */
  readonly marginMs: number
}

export interface RotationMoment {
  readonly nowMs: number
  /** When this process began to hand out the bundle. */
  readonly startedMs: number
  /** A person wants a new root now. */
  readonly requested: boolean
}

export type RotationStep =
  | { readonly step: 'make' }
  | { readonly step: 'promote' }
  | { readonly step: 'drop', readonly ids: readonly string[] }
  | { readonly step: 'rest', readonly untilMs: number }

/**
 * What is due. One thing at a time, so that a stop between two leaves a state that the next start goes on from.
 *
 *   next  | signer              | due
 *   ------|---------------------|----------------------------------------------------------
 *   none  | ends within overlap | make (also when a person asks)
 *   there | any                 | promote, publishMs after it was made and settleMs after our start
 *   there | has ended           | promote at once: nothing else can sign
 *   a retired root leaves leafMs + marginMs after it signed last, or when it ends: its leaves have ended, too
 */
export function nextStep (roots: Roots, moment: RotationMoment, settings: RotationSettings): RotationStep {
  const { signer, next, retired } = roots
  const { nowMs, requested } = moment
  const ended = retired.filter((root) => leavesAtMs(root, settings) <= nowMs)
  if (ended.length > 0) return { step: 'drop', ids: ended.map(({ id }) => id) }
  const changeMs = next === null ? signer.notAfterMs - settings.overlapMs : promotionMs(signer, next, moment, settings)
  if (changeMs <= nowMs) return { step: next === null ? 'make' : 'promote' }
  if (requested && next === null) return { step: 'make' }
  return { step: 'rest', untilMs: Math.min(changeMs, ...retired.map((root) => leavesAtMs(root, settings))) }
}

/** A new root, trusted from now on. */
export const withNext = (roots: Roots, made: RootRecord, nowMs: number): Roots => ({ ...roots, next: { ...made, trustedSinceMs: nowMs } })

/** The next root signs; the one before is retired. Unchanged where there is no next. */
export function promoted (roots: Roots, nowMs: number): Roots {
  if (roots.next === null) return roots
  const { trustedSinceMs: _, ...signer } = roots.next
  return { signer, next: null, retired: [{ ...roots.signer, retiredAtMs: nowMs }, ...roots.retired] }
}

export const without = (roots: Roots, ids: readonly string[]): Roots => ({ ...roots, retired: roots.retired.filter(({ id }) => !ids.includes(id)) })

const leavesAtMs = (root: Roots['retired'][number], { leafMs, marginMs }: RotationSettings): number =>
  Math.min(root.retiredAtMs + leafMs + marginMs, root.notAfterMs)

const promotionMs = (signer: RootRecord, next: NonNullable<Roots['next']>, { startedMs }: RotationMoment, { publishMs, settleMs }: RotationSettings): number =>
  Math.min(Math.max(next.trustedSinceMs + publishMs, startedMs + settleMs), signer.notAfterMs)
