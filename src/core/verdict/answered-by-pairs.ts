import { distinct } from '../window/sketch.ts'
import type { Detection } from './detection.ts'
import type { Score } from './score.ts'

/** An attack on more pods than this is one on all of them. */
const MOST_PAIRS = 3
/** A pod talks to so many others at ordinary times; a sweep touches more. */
const MOST_BESIDE = 8

/**
 * Whether a detection about all that a source reaches is of a few pods alone, each of which has a detection of its own: `pairs` are
 * those of its class and source that are open, or that its windows hold. In words, or null. What is answered there need not be answered by cutting the source off from everybody.
 * `newest` is the score that brought the fan-out here.
 *
 *     kind    | pairs  | destinations in the newest window, beside the pairs' | answered by pairs
 *     fan-out | none   | -                                                    | no
 *     fan-out | 1 to 3 | none are told at all                                 | no: its source of windows does not count them
 *     fan-out | 1 to 3 | at most 8                                            | yes
 *     fan-out | 1 to 3 | more                                                 | no: it sweeps
 *     fan-out | more   | -                                                    | no
 *     other   | -      | -                                                    | no
 */
export function answeredByPairs ({ kind }: Pick<Detection, 'kind'>, { window }: Pick<Score, 'window'>, pairs: readonly Detection[]): string | null {
  if (kind !== 'fan-out' || pairs.length === 0 || pairs.length > MOST_PAIRS) return null
  const reached = distinct(window.peerSketch)
  const beside = Math.max(0, reached - pairs.length)
  if (reached === 0 || beside > MOST_BESIDE) return null
  return `It is aimed at ${pairs.map(({ target }) => nameOf(target)).join(' and ')}, which ${pairs.length === 1 ? `detection ${pairs[0]?.id ?? ''} answers` : `detections ${pairs.map(({ id }) => id).join(' and ')} answer`}; ${beside} other destinations are no sweep`
}

const nameOf = (target: Detection['target']): string =>
  target === null ? 'any destination' : target.name === undefined ? target.address : `${target.namespace ?? ''}/${target.name} (${target.address})`
