import { useEffect, useRef, useState } from 'preact/hooks'
import { call, Refusal, type Page } from '../model/live.ts'

/** What was asked of the API; what was there before stays while it is asked again. */
export type Fetched<T> =
  | { readonly state: 'asking' }
  | { readonly state: 'there', readonly value: T }
  | { readonly state: 'refused', readonly problem: string }

const problemOf = (error: unknown): string => error instanceof Refusal ? error.message : String(error)

/** The answer of `ask`, asked again whenever `key` is another; of answers that overtake each other the last asked for counts. */
export function useAnswer<T> (ask: () => Promise<T>, key: string): Fetched<T> {
  const [fetched, setFetched] = useState<Fetched<T>>({ state: 'asking' })
  const asked = useRef(0)
  useEffect(() => {
    const number = ++asked.current
    const take = (answer: Fetched<T>): void => { if (number === asked.current) setFetched(answer) }
    ask().then((value) => take({ state: 'there', value }), (error: unknown) => take({ state: 'refused', problem: problemOf(error) }))
  }, [key])
  return fetched
}

/** The JSON of a path, fetched anew when `version` is another number. */
export const useFetched = <T>(path: string, version = 0): Fetched<T> => useAnswer(() => call<T>(path), `${version} ${path}`)

const FIRST = 100
/** The most that one call gives. */
const MOST = 500

export interface Pages<T> { readonly fetched: Fetched<Page<T>>, readonly more: () => void }

/** A list page by page, `path` with its query; `more` fetches the next page. Fetched anew from the beginning, as far as it was shown, when `version` is another number. */
export function usePages<T> (path: string, version = 0): Pages<T> {
  const [shown, setShown] = useState(FIRST)
  useEffect(() => setShown(FIRST), [path])
  const fetched = useAnswer(() => fetchUpTo<T>(path, shown), `${version} ${shown} ${path}`)
  return { fetched, more: () => setShown(shown + FIRST) }
}

async function fetchUpTo<T> (path: string, most: number): Promise<Page<T>> {
  const items: T[] = []
  for (let cursor: string | null = ''; ;) {
    const query = `limit=${Math.min(MOST, most - items.length)}${cursor === '' ? '' : `&cursor=${cursor}`}`
    const page: Page<T> = await call(`${path}${path.includes('?') ? '&' : '?'}${query}`)
    items.push(...page.items)
    cursor = page.next
    if (cursor === null || items.length >= most) return { items, next: cursor }
  }
}
