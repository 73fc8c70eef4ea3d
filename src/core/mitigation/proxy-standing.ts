import { ANSWER_DEADLINE_MS, type ProxyAnswer } from './proxy-answer.ts'

export const STANDINGS = ['in-sync', 'stale', 'silent', 'rejected', 'away'] as const
export type Standing = (typeof STANDINGS)[number]

/**
 * Where a proxy stands, in one word. `since`: when its state or version last changed, ISO 8601.
 *
 *     answer   | connected | for longer than the deadline | standing
 *     rejected | -         | -                            | rejected
 *     other    | no        | -                            | away
 *     pending  | yes       | no                           | stale: it is being told
 *     pending  | yes       | yes                          | silent
 *     in-sync  | yes       | -                            | in-sync
 */
export function standingOf ({ connected, state, since }: Pick<ProxyAnswer, 'connected' | 'state'> & { readonly since: string }, nowMs: number): Standing {
  if (state === 'rejected') return 'rejected'
  if (!connected) return 'away'
  if (state === 'in-sync') return 'in-sync'
  return nowMs - Date.parse(since) < ANSWER_DEADLINE_MS ? 'stale' : 'silent'
}

/** Whether somebody should look: less holds there than was asked for, or nobody knows. */
export const needsLooking = (standing: Standing, refused: readonly unknown[]): boolean => refused.length > 0 || (standing !== 'in-sync' && standing !== 'stale')
