import { Type } from 'typebox'
import { SafetyStanding } from '../../../core/safety/standing.ts'
import { Protected, PROTECTED_BY } from '../../../core/safety/protected.ts'
import { answers, ref } from '../components.ts'
import type { Api, ApiContext } from '../context.ts'
import { PageQuery, pageOf, paginate } from '../paging.ts'

/** What no restriction may touch, and how that is known; and what is used up of what may be done. */
export function protectedRoutes (app: Api, { loop }: ApiContext): void {
  const { protections } = loop
  app.get('/safety', {
    schema: { tags: ['protected'], summary: 'Budgets and circuit breaker: what is used up, and what is refused until when', response: answers(ref(SafetyStanding)) },
  }, () => loop.safety())

  app.get('/protected', {
    schema: {
      tags: ['protected'],
      summary: 'What no restriction may touch, each with how it is known',
      querystring: Type.Object({
        ...PageQuery,
        by: Type.Optional(Type.Enum([...PROTECTED_BY], { description: 'Only what is known by this.' })),
        text: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'In the name or in how it is known, in any case of letters.' })),
      }, { additionalProperties: false }),
      response: answers(pageOf(ref(Protected)), 404),
    },
  }, ({ query: { by, text, ...page } }) =>
    paginate(protections.now().list.filter((one) => (by === undefined || one.by === by) && (text === undefined || saysIt(one, text.toLowerCase()))), ({ kind, name, uid = '' }) => `${kind}/${name}/${uid}`, page))
}

const saysIt = ({ name, how }: Protected, text: string): boolean => name.toLowerCase().includes(text) || how.toLowerCase().includes(text)
