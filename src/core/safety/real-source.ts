import type { SourceEvidence } from './safety.ts'

/**
 * What is known of whether a source is who it says.
 *
 *     completed a handshake | confirmed by its own observer | denied by its own observer | standing
 *     -                     | yes                           | -                          | real
 *     yes                   | no                            | no                         | real
 *     yes                   | no                            | yes                        | disputed: somebody on the way may have answered for it, or one of the two observers lies
 *     no                    | no                            | -                          | unproved
 */
export function standingOf ({ completedHandshake, confirmedByOwnObserver, deniedByOwnObserver }: SourceEvidence): 'real' | 'disputed' | 'unproved' {
  if (confirmedByOwnObserver) return 'real'
  if (!completedHandshake) return 'unproved'
  return deniedByOwnObserver === true ? 'disputed' : 'real'
}
