import { Type } from 'typebox'
import { Errand } from '../../../core/errand/errand.ts'
import { actorOf, existing, Id, Said } from '../asked.ts'
import { answers, ref } from '../components.ts'
import type { Api, ApiContext } from '../context.ts'
import { PageQuery, pageOf, paginate, SCAN_LIMIT } from '../paging.ts'

/** What is done once: messages and evictions. */
export function errandRoutes (app: Api, { loop: { errands } }: ApiContext): void {
  const params = Type.Object({ id: Id('Id of the errand, which is that of its decision.') })

  app.get('/errands', {
    schema: {
      tags: ['errands'],
      summary: 'Messages and evictions, newest first',
      querystring: Type.Object({
        ...PageQuery,
        phase: Type.Optional(Type.Union([Type.Literal('waiting'), Type.Literal('done'), Type.Literal('failed'), Type.Literal('cancelled')])),
        detection: Type.Optional(Type.String({ maxLength: 253 })),
      }, { additionalProperties: false }),
      response: answers(pageOf(ref(Errand)), 404),
    },
  }, ({ query }) => {
    const wanted = errands.list({ limit: SCAN_LIMIT }).filter(({ state, detection }) =>
      (query.phase === undefined || state.phase === query.phase) && (query.detection === undefined || detection === query.detection))
    return paginate(wanted, ({ id }) => id, query)
  })

  app.get('/errands/:id', {
    schema: { tags: ['errands'], summary: 'One message or eviction, and what came of it', params, response: answers(ref(Errand), 404) },
  }, ({ params: { id } }) => existing(errands.get(id), 'errand', id, 'errands'))

  app.post('/errands/:id/cancel', {
    schema: {
      tags: ['errands'],
      summary: 'Give one up that waits',
      params,
      body: Said,
      response: answers(ref(Errand), 404, 409, 413, 415, 422),
    },
  }, async ({ params: { id }, body }) => errands.cancel(id, actorOf(body.actor), body.reason.trim()))
}
