import { Type } from 'typebox'
import { Exception, ExceptionSpec } from '../../../core/exception/exception.ts'
import { Actor, actorOf, existing, ObjectName, Said } from '../asked.ts'
import type { Api, ApiContext } from '../context.ts'
import { answers, ref } from '../components.ts'
import { PageQuery, pageOf, paginate } from '../paging.ts'

const params = Type.Object({ name: ObjectName('Name of the exception.') })
const { by: _, ...asked } = ExceptionSpec.properties
const AddBody = Type.Object({ spec: Type.Object(asked, { additionalProperties: false }), actor: Actor }, { additionalProperties: false })

export function exceptionRoutes (app: Api, { loop: { exceptions } }: ApiContext): void {
  app.get('/exceptions', {
    schema: {
      tags: ['exceptions'],
      summary: 'Exceptions by name: what is let be, until when, why',
      querystring: Type.Object(PageQuery, { additionalProperties: false }),
      response: answers(pageOf(ref(Exception)), 404),
    },
  }, ({ query }) => paginate(exceptions.list(), ({ metadata }) => metadata.name, query))

  app.get('/exceptions/:name', {
    schema: { tags: ['exceptions'], summary: 'One exception, with what it held back', params, response: answers(ref(Exception), 404) },
  }, ({ params: { name } }) => existing(exceptions.list().find(({ metadata }) => metadata.name === name), 'exception', name, 'exceptions'))

  app.put('/exceptions/:name', {
    schema: {
      operationId: 'addException',
      tags: ['exceptions'],
      summary: 'Make an exception; it holds at once and ends by itself',
      description: 'Mitigations that it covers end. It is not changed afterwards: remove it and make another. Who asks is kept with it.',
      params,
      body: AddBody,
      response: answers(ref(Exception), 409, 413, 415, 422),
    },
  }, ({ params: { name }, body: { spec, actor } }) => exceptions.add(name, { ...spec, by: actorOf(actor) }, actorOf(actor)))

  app.delete('/exceptions/:name', {
    schema: {
      operationId: 'removeException',
      tags: ['exceptions'],
      summary: 'Remove an exception; answers what it was',
      params,
      querystring: Said,
      response: answers(ref(Exception), 404, 409, 422),
    },
  }, ({ params: { name }, query }) => exceptions.remove(name, actorOf(query.actor), query.reason.trim()))
}
