import type { Held } from './control.ts'
import { resourceOf, TYPE_WORDS, urlOf, wordsOf, type TypeWord } from './resource.ts'

/** Fences that are there, in every world, of a type that the case does not use. */
const FENCES = Array.from({ length: 40 }, (_, index) => `fence-${'abcd'[Math.floor(index / 10)]}${'abcdefghij'[index % 10]}`)

/** What the server under test should have. */
export class World {
  /** Type -> its resources in a case's words. */
  readonly #words = new Map<TypeWord, string>()
  readonly #fence: TypeWord | null

  /** `fence`: null for a world without any. */
  constructor (fence: TypeWord | null) {
    this.#fence = fence
  }

  /** The name of the nth fence. */
  static fence (index: number): string {
    const name = FENCES[index]
    if (name === undefined) throw new RangeError(`a case has more than ${FENCES.length} fences`)
    return name
  }

  /** All resources after the change, by type URL. */
  change (set: Readonly<Partial<Record<TypeWord, string>>>): Map<string, Held> {
    for (const type of TYPE_WORDS) if (set[type] !== undefined) this.#words.set(type, set[type])
    return new Map(TYPE_WORDS.map((type) => {
      const words = [...wordsOf(this.#words.get(type) ?? ''), ...type === this.#fence ? FENCES.map((name) => ({ name, content: 1, names: null })) : []]
      const version = words.map(({ name, content, names }) => `${name}${content}${names ?? ''}`).sort().join('/')
      return [urlOf(type), { version: version || 'none', resources: words.map((word) => ({ name: word.name, body: resourceOf(type, word) })) }]
    }))
  }
}
