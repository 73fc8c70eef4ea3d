import { isDeepStrictEqual } from 'node:util'
import type { FetchedList, Loop, LoopEvent } from '../ports/loop.ts'

/** What each list is known to have changed by: itself, or a number that is another after each change. */
export function listsOf (loop: Pick<Loop, 'exceptions' | 'threatPolicies' | 'protections' | 'leadership' | 'feedback' | 'safety' | 'models' | 'comparison'> & { readonly errands: { readonly version: number } }): Readonly<Record<FetchedList, unknown>> {
  return {
    errands: loop.errands.version,
    exceptions: loop.exceptions.list(),
    'threat-policies': loop.threatPolicies.list(),
    protected: loop.protections.now().list,
    leadership: loop.leadership(),
    marks: loop.feedback.version,
    safety: loop.safety(),
    models: { standing: loop.models(), comparison: loop.comparison() },
  }
}

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
