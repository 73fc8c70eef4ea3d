import type { Case } from './case.ts'

const MAX_CASES = 20_000
/** Of one observer of live traffic: whoever floods us with suspicions crowds out only its own. */
const MAX_PER_OBSERVER = 1_000
/** How many of the oldest cases are looked at for one that can go. */
const LOOK_AT_OLDEST = 64

/** Cases by id, in the order of their newest support. Bounded, and says what it refused or let go. */
export class CaseTable {
  readonly #cases = new Map<string, Case>()
  /** Cases that each observer of live traffic began. */
  readonly #begun = new Map<string, number>()
  #dropped = 0

  get size (): number {
    return this.#cases.size
  }

  get dropped (): number {
    return this.#dropped
  }

  get (id: string): Case | undefined {
    return this.#cases.get(id)
  }

  entries (): MapIterator<[string, Case]> {
    return this.#cases.entries()
  }

  values (): MapIterator<Case> {
    return this.#cases.values()
  }

  /** Whether an observer may begin another case; a refusal is counted. */
  admits (reporter: string, simulated: boolean): boolean {
    if (simulated || (this.#begun.get(reporter) ?? 0) < MAX_PER_OBSERVER) return true
    this.#dropped++
    return false
  }

  /** Keeps a case as the newest. Gives the one that had to go for it. */
  put (id: string, of: Case): Case | null {
    this.delete(id)
    this.#cases.set(id, of)
    this.#count(of, 1)
    if (this.#cases.size <= MAX_CASES) return null
    const oldest = [...this.#cases.entries().take(LOOK_AT_OLDEST)]
    const victim = oldest.find(([, { detection }]) => detection === null || detection.phase === 'closed') ?? oldest[0]
    if (victim === undefined) return null
    this.delete(victim[0])
    this.#dropped++
    return victim[1]
  }

  delete (id: string): void {
    const known = this.#cases.get(id)
    if (known === undefined) return
    this.#cases.delete(id)
    this.#count(known, -1)
  }

  #count ({ begunBy, simulated }: Case, change: 1 | -1): void {
    if (simulated) return
    const count = (this.#begun.get(begunBy) ?? 0) + change
    if (count <= 0) this.#begun.delete(begunBy)
    else this.#begun.set(begunBy, count)
  }
}
