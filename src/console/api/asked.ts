import { Type } from 'typebox'
import { AutoshieldError } from '../../core/errors.ts'

/** What calls have in common: how they name a thing, and who says what. */

export const Id = (what: string) => Type.String({ minLength: 1, maxLength: 253, description: what })

/** A name as Kubernetes allows it for objects. */
export const ObjectName = (what: string) => Type.String({
  minLength: 1, maxLength: 253, pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$', description: what,
})

export const Actor = Type.Optional(Type.String({
  minLength: 1, maxLength: 64, pattern: '^[\\w.@ -]*[\\w.@-][\\w.@ -]*$', description: 'Who says so. The console has no accounts: the name is as good as the access to its port.',
}))

/** As the trail names whoever acts through the console. */
export const actorOf = (actor: string | undefined): string => `console:${actor?.trim() ?? 'anonymous'}`

/** Who says so, and why: the body of what changes something, the query of what removes it. */
export const Said = Type.Object({
  reason: Type.String({ minLength: 1, maxLength: 500, pattern: '\\S', description: 'Why; kept in the audit trail.' }),
  actor: Actor,
}, { additionalProperties: false })

/** What was asked for by name. Throws NOT_FOUND where there is none, with the list to look it up in. */
export function existing<T> (found: T | null | undefined, what: string, name: string, list: string): T {
  if (found === null || found === undefined) throw new AutoshieldError('NOT_FOUND', `There is no ${what} '${name}'; GET /api/v1/${list} lists them.`)
  return found
}
