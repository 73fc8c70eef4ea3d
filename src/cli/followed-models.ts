import type { ModelStore } from '../adapters/models/model-store.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { Comparison } from '../core/model/comparison.ts'
import type { ModelChoice, ModelRefusal, ModelStanding } from '../core/model/standing.ts'
import type { Scorer } from '../ports/scorer.ts'

/** What it needs of a detector. */
export interface ModelUser {
  promote: (scorer: Scorer) => Promise<Scorer>
  setShadow: (scorer: Scorer | null) => Promise<void>
  comparison: () => Comparison | null
  tellModels: (standing: ModelStanding) => void
  tellComparison: (comparison: Comparison) => void
}

export interface FollowedModelsOptions {
  readonly store: ModelStore
  /** Loads and checks all of a model: the version in the store, or null for the one that the detector was started with. Rejects with why not. */
  readonly load: (version: string | null) => Promise<Scorer>
  readonly say: (text: string) => void
}

const BEAT_MS = 1_000
const BEATS_PER_COMPARISON = 5
/** That are told; the newest choice and its candidate. */
const MAX_REFUSED = 2

const attackClasses = ({ model: { classes } }: Scorer): string[] => classes.slice(1)

/** A model that is loaded, and what was asked to get it. */
interface Loaded { readonly asked: string | null, readonly scorer: Scorer }

/**
 * Scores with what a store's `choice.json` asks for, while the detector runs. A model that cannot be used is refused with its reason, once,
 * and the one of before goes on. Owns every model that it loads.
 */
export class FollowedModels implements AsyncDisposable {
  readonly #options: FollowedModelsOptions
  #current: Loaded
  #shadow: Loaded | null = null
  #seen: number
  #standing: ModelStanding

  private constructor (options: FollowedModelsOptions, current: Loaded, choice: ModelChoice, refused: readonly ModelRefusal[]) {
    this.#options = options
    this.#current = current
    this.#seen = choice.sequence - 1 // the candidate is still to be looked at
    this.#standing = { sequence: choice.sequence, current: current.scorer.model.version, shadow: null, refused: [...refused], by: choice.by, reason: choice.reason, classes: attackClasses(current.scorer) }
  }

  /**
   * Loads what is asked for now; where that is refused, the one of before it, and so on back to the model that the detector was started
   * with. Rejects where that cannot be used either.
   */
  static async open (options: FollowedModelsOptions): Promise<FollowedModels> {
    const { store, load, say } = options
    const choice = await store.choice()
    const refused: ModelRefusal[] = []
    for (const asked of new Set([choice.current, ...choice.before])) {
      if (asked === null) break
      try {
        return new FollowedModels(options, { asked, scorer: await load(asked) }, choice, refused.slice(0, MAX_REFUSED))
      } catch (thrown) {
        const { message } = AutoshieldError.from(thrown)
        refused.push({ version: asked, message })
        say(`model ${asked} is refused, and the one of before it is tried: ${message}`)
      }
    }
    return new FollowedModels(options, { asked: null, scorer: await load(null) }, choice, refused.slice(0, MAX_REFUSED))
  }

  get scorer (): Scorer {
    return this.#current.scorer
  }

  /** Follows the store until the signal aborts. */
  async run (user: ModelUser, every: (ms: number, signal: AbortSignal) => AsyncIterable<number>, signal: AbortSignal): Promise<void> {
    await this.#look(user)
    for await (const beat of every(BEAT_MS, signal)) {
      await this.#look(user)
      if (beat % BEATS_PER_COMPARISON === BEATS_PER_COMPARISON - 1) await this.#keepComparison(user)
    }
    await this.#keepComparison(user)
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.#shadow?.scorer[Symbol.asyncDispose]()
    await this.#current.scorer[Symbol.asyncDispose]()
  }

  async #look (user: ModelUser): Promise<void> {
    const { store, say } = this.#options
    try {
      const [choice, installed] = [await store.choice(), await store.versions()]
      if (choice.sequence === this.#seen) {
        if (this.#standing.installed?.join() !== installed.join()) user.tellModels(this.#standing = { ...this.#standing, installed: [...installed] })
        return
      }
      this.#seen = choice.sequence
      const refused = [...await this.#follow(user, choice), ...await this.#followShadow(user, choice)]
      this.#standing = {
        sequence: choice.sequence,
        current: this.#current.scorer.model.version,
        shadow: this.#shadow?.scorer.model.version ?? null,
        refused,
        by: choice.by,
        reason: choice.reason,
        installed: [...installed],
        classes: attackClasses(this.#current.scorer),
      }
      user.tellModels(this.#standing)
      await store.tell(this.#standing)
    } catch (thrown) {
      say(AutoshieldError.from(thrown).message)
    }
  }

  /** What was refused, if anything was. */
  async #follow (user: ModelUser, { current }: ModelChoice): Promise<readonly ModelRefusal[]> {
    if (current === this.#current.asked) return []
    const known = this.#standing.refused.find(({ version }) => version === current)
    // What was refused at the start is refused still: files of a version never change.
    if (known !== undefined && this.#standing.sequence === this.#seen) return [known]
    const { load, say } = this.#options
    try {
      const scorer = await load(current)
      const before = await user.promote(scorer)
      this.#current = { asked: current, scorer }
      await before[Symbol.asyncDispose]()
      say(`model ${scorer.model.version} scores from now on`)
      return []
    } catch (thrown) {
      const { message } = AutoshieldError.from(thrown)
      say(`model ${current ?? 'of the start'} is refused, and ${this.#current.scorer.model.version} goes on: ${message}`)
      return [{ version: current ?? 'of the start', message }]
    }
  }

  async #followShadow (user: ModelUser, { shadow }: ModelChoice): Promise<readonly ModelRefusal[]> {
    if (shadow === (this.#shadow?.asked ?? null)) return []
    const { load, say } = this.#options
    const before = this.#shadow
    const next = shadow === null ? null : await load(shadow).catch((thrown: unknown) => AutoshieldError.from(thrown))
    const refusal = next instanceof AutoshieldError ? next : null
    const scorer = next instanceof AutoshieldError ? null : next
    await user.setShadow(scorer)
    this.#shadow = scorer === null ? null : { asked: shadow, scorer }
    await before?.scorer[Symbol.asyncDispose]()
    if (scorer !== null) say(`model ${scorer.model.version} scores in shadow`)
    if (refusal === null || shadow === null) return []
    say(`model ${shadow} is refused for the shadow: ${refusal.message}`)
    return [{ version: shadow, message: refusal.message }]
  }

  async #keepComparison (user: ModelUser): Promise<void> {
    const comparison = user.comparison()
    if (comparison === null) return
    user.tellComparison(comparison)
    await this.#options.store.keepComparison(comparison).catch((thrown: unknown) => this.#options.say(AutoshieldError.from(thrown).message))
  }
}
