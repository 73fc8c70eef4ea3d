import { spiffeId, type Identity } from '../core/identity.ts'
import type { ClientRefusal } from '../ports/proxies.ts'
import type { Refusal, RefusalReason } from './refusal.ts'

/** Whose call it is: who it proved to be, and the address that it came from. */
export interface Caller {
  readonly identity: Identity | null
  readonly peer: string
}

/** Which refusals are told by name. The others come to those who do nothing wrong, too, and are counted alone. */
const TOLD = {
  NoIdentity: 'at once',
  NotYours: 'at once',
  Malformed: 'at once',
  TooMuch: 'at once',
  // A pod that was made a moment ago is not known everywhere yet.
  Unknown: 'where it lasts',
  // An observer that has a newer certificate comes back with it.
  Expired: 'never',
  OtherSchema: 'never',
  Gap: 'never',
  Full: 'never',
  Silent: 'never',
  Replaced: 'never',
  Stopping: 'never',
  Failed: 'never',
} as const satisfies Record<RefusalReason, 'at once' | 'where it lasts' | 'never'>
const LASTS_MS = 30_000
/** What one caller is refused for one reason within this is told as a sum after it. */
const QUIET_MS = 600_000
/** Callers and reasons that are told apart; further ones share a place for each reason. */
const MOST_APART = 1_000

interface Told {
  readonly last: Omit<ClientRefusal, 'count'>
  readonly firstMs: number
  readonly lastMs: number
  /** Null before the first telling. */
  readonly toldMs: number | null
  /** Since then. */
  readonly count: number
}

/** Counts every refusal, and tells of each caller and reason no oftener than a trail can take: who is refused decides how often that happens. */
export class Refused {
  readonly #counts = new Map<RefusalReason, number>()
  readonly #callers = new Map<string, Told>()

  /** How often each reason was given since the start. */
  get counts (): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts)
  }

  add ({ reason, details }: Refusal, { identity, peer }: Caller, nowMs: number): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
    if (TOLD[reason] === 'never') return
    const who = identity === null ? null : spiffeId(identity)
    const own = `${reason} ${who ?? peer}`
    const key = this.#callers.has(own) || this.#callers.size < MOST_APART ? own : reason
    const before = this.#callers.get(key) ?? { firstMs: nowMs, toldMs: null, count: 0 }
    this.#callers.set(key, { ...before, last: { reason, details, peer, identity: who }, lastMs: nowMs, count: before.count + 1 })
  }

  /** What is to be told now: a caller's first refusal for a reason, and later the sum of what followed it. */
  take (nowMs: number): readonly ClientRefusal[] {
    return [...this.#callers].flatMap(([key, told]) => {
      const { last, count } = told
      if (isDue(told, nowMs)) {
        this.#callers.set(key, { ...told, toldMs: nowMs, count: 0 })
        return [{ ...last, count }]
      }
      if (nowMs - (told.toldMs ?? told.lastMs) >= QUIET_MS) this.#callers.delete(key)
      return []
    })
  }
}

/**
 *     refused since it was told | told before                 | reason         | due
 *     no                        | -                           | -              | no
 *     yes                       | within the quiet time       | -              | no
 *     yes                       | longer ago                  | -              | yes
 *     yes                       | never                       | at once        | yes
 *     yes                       | never                       | where it lasts | if it has come over LASTS_MS
 */
function isDue ({ count, toldMs, firstMs, lastMs, last }: Told, nowMs: number): boolean {
  if (count === 0) return false
  if (toldMs !== null) return nowMs - toldMs >= QUIET_MS
  return TOLD[last.reason as RefusalReason] === 'at once' || lastMs - firstMs >= LASTS_MS
}
