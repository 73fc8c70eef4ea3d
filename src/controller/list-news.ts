import { isDeepStrictEqual } from 'node:util'
import type { FetchedList, LoopEvent } from '../ports/loop.ts'

/** Which lists are others since the last look. What stands for a list is compared by its parts. */
export class ListNews {
  #told: Readonly<Partial<Record<FetchedList, unknown>>> = {}

  of (now: Readonly<Record<FetchedList, unknown>>): readonly Extract<LoopEvent, { type: 'changed' }>[] {
    const before = this.#told
    this.#told = now
    const lists = Object.keys(now) as FetchedList[]
    return lists.filter((list) => !isDeepStrictEqual(before[list], now[list])).map((list) => ({ type: 'changed', list }))
  }
}
