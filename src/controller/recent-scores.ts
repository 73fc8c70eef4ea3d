import type { Score } from '../core/verdict/score.ts'
import { keyId } from '../core/window/window.ts'

const MAX_KEYS = 4_096

/** The newest score of each key at each step, for conditions that look over another span than the score that opened a detection. */
export class RecentScores {
  readonly #byKey = new Map<string, Map<number, Score>>()

  remember (score: Score): void {
    const id = idOf(score)
    const known = this.#byKey.get(id) ?? new Map<number, Score>()
    known.set(score.stepMs, score)
    this.#byKey.delete(id)
    this.#byKey.set(id, known)
    const oldest = this.#byKey.keys().next()
    if (this.#byKey.size > MAX_KEYS && oldest.done !== true) this.#byKey.delete(oldest.value)
  }

  /** This score, and the newest ones of its key at other steps. */
  around (score: Score): readonly [Score, ...Score[]] {
    const others = [...this.#byKey.get(idOf(score))?.values() ?? []].filter(({ stepMs }) => stepMs !== score.stepMs)
    return [score, ...others]
  }
}

/** Both ends may report a key, and a replay beside live traffic: what one saw is not mixed with what another saw. */
const idOf = (score: Score): string => `${score.reporter} ${keyId(score.key)}`
