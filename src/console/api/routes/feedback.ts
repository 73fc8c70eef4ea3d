import { Type } from 'typebox'
import { Mark, MarkSaid, MarkVerdict, saidOf } from '../../../core/feedback/mark.ts'
import { Precision } from '../../../core/feedback/precision.ts'
import { Actor, actorOf, Id, Said } from '../asked.ts'
import { answers, ref } from '../components.ts'
import type { Api, ApiContext } from '../context.ts'
import { PageQuery, pageOf, paginate } from '../paging.ts'

const MarkBody = Type.Object({
  verdict: MarkVerdict,
  reason: Said.properties.reason,
  exceptUntil: Type.Optional(Type.String({ format: 'date-time', description: 'With a false alarm alone: let the same class between the same ends be until then, at most as long as an exception may last.' })),
  actor: Actor,
}, { additionalProperties: false })

/** What people say of detections, and what it comes to. */
export function feedbackRoutes (app: Api, { loop: { feedback } }: ApiContext): void {
  app.put('/detections/:id/mark', {
    schema: {
      operationId: 'markDetection',
      tags: ['detections'],
      summary: 'Say whether a detection was a false alarm or what it was said to be',
      description: 'Kept in the trail, counted, and kept with its surest window, for training. Said again, it takes the place of what was said before.',
      params: Type.Object({ id: Id('Id of the detection.') }),
      body: MarkBody,
      response: answers(ref(Mark), 404, 409, 413, 415, 422),
    },
  }, ({ params: { id }, body: { verdict, reason, exceptUntil, actor } }) => feedback.mark(id, { verdict, reason: reason.trim(), exceptUntil: exceptUntil ?? null }, actorOf(actor)))

  app.get('/marks', {
    schema: {
      tags: ['detections'],
      summary: 'What was said of detections, newest first, each with its surest window',
      querystring: Type.Object(PageQuery, { additionalProperties: false }),
      response: answers(pageOf(ref(Mark)), 404),
    },
  }, ({ query }) => paginate(feedback.marks(), ({ detection }) => detection, query))

  app.get('/marks/said', {
    schema: {
      tags: ['detections'],
      summary: 'What was said of detections, newest first, without their windows',
      querystring: Type.Object({ ...PageQuery, detection: Type.Optional(Type.String({ maxLength: 253, description: 'Of this one alone.' })) }, { additionalProperties: false }),
      response: answers(pageOf(ref(MarkSaid)), 404),
    },
  }, ({ query }) => paginate(feedback.marks().filter(({ detection }) => query.detection === undefined || detection === query.detection).map(saidOf), ({ detection }) => detection, query))

  app.get('/precision', {
    schema: {
      tags: ['detections'],
      summary: 'How often detections were what they were said to be, by class and namespace',
      response: answers(Type.Array(ref(Precision))),
    },
  }, () => [...feedback.precision()])
}
