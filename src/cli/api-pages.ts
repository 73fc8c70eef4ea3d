import { Type, type Static, type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../core/errors.ts'
import { callApi } from './loop-api.ts'

/** Every item of a list of the API, page after page. `path` has its query, if any, but no cursor. Throws as `callApi` does, and BAD_DATA. */
export async function allPages<T extends TSchema> (api: string, path: string, item: T): Promise<Static<T>[]> {
  const valid = Compile(Type.Object({ items: Type.Array(item), next: Type.Union([Type.String(), Type.Null()]) }))
  const items: Static<T>[] = []
  const query = `${path}${path.includes('?') ? '&' : '?'}limit=500`
  for (let cursor = ''; ;) {
    const page = await callApi(api, 'GET', `${query}${cursor}`)
    if (!valid.Check(page)) throw new AutoshieldError('BAD_DATA', `What ${api} answered to ${path} is no list of it: is it this version's AutoShield?`)
    items.push(...page.items as Static<T>[])
    if (page.next === null) return items
    cursor = `&cursor=${page.next}`
  }
}
