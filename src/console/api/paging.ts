import { Type, type Static, type TSchema } from 'typebox'
import { AutoshieldError } from '../../core/errors.ts'

/** How far back a list looks; what is older is found by its id or in the audit trail. */
export const SCAN_LIMIT = 10_000

export const PageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: 500, default: 50, description: 'At most this many items.' }),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 512, pattern: '^[A-Za-z0-9_-]+$', description: '`next` of the page before.' })),
}

export const pageOf = <T extends TSchema>(items: T) => Type.Object({
  items: Type.Array(items),
  next: Type.Union([Type.String(), Type.Null()], { description: 'Cursor of the next page; null on the last.' }),
}, { additionalProperties: false })

export type Paging = Static<ReturnType<typeof Type.Object<typeof PageQuery>>>

/**
 * One page of `items`, which are in list order. A cursor names the last item of the page before, so what is added in
 * front between two calls neither repeats nor hides anything. Throws NOT_FOUND when that item is no longer listed.
 */
export function paginate<T> (items: readonly T[], idOf: (item: T) => string, query: Paging): { items: T[], next: string | null } {
  let start = 0
  if (query.cursor !== undefined) {
    const after = Buffer.from(query.cursor, 'base64url').toString()
    start = items.findIndex((item) => idOf(item) === after) + 1
    if (start === 0) throw new AutoshieldError('NOT_FOUND', 'The cursor points at nothing in this list (any more); start again without one.')
  }
  const page = items.slice(start, start + query.limit)
  const last = page.at(-1)
  const more = start + page.length < items.length && last !== undefined
  return { items: page, next: more ? Buffer.from(idOf(last)).toString('base64url') : null }
}
