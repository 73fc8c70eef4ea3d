import { Type } from 'typebox'
import { Baseline, BaselineSpec } from '../../../core/evidence/baseline-entry.ts'
import { Actor, actorOf, Said } from '../asked.ts'
import { answers, ref } from '../components.ts'
import type { Api, ApiContext } from '../context.ts'
import { PageQuery, pageOf, paginate } from '../paging.ts'

const of = (description: string) => Type.String({ minLength: 1, maxLength: 1_300, description })
const TeachBody = Type.Object({ spec: Type.Object(BaselineSpec.properties, { additionalProperties: false }), actor: Actor }, { additionalProperties: false })
const ForgetBody = Type.Object({
  of: of('A workload (NAMESPACE/KIND/NAME) or an address, with all that it is an end of; or `SOURCE>TARGET`, with `*` for any.'),
  port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535, description: 'What is of this port alone.' })),
  ...Said.properties,
}, { additionalProperties: false })
const Forgotten = Type.Object({ forgotten: Type.Integer({ minimum: 0, description: 'How many baselines.' }) }, { additionalProperties: false })

/** What workloads are known for. */
export function baselineRoutes (app: Api, { loop: { baselines } }: ApiContext): void {
  app.get('/baselines', {
    schema: {
      tags: ['baselines'],
      summary: 'What workloads are known for, by id: learnt, or said by people',
      querystring: Type.Object({ ...PageQuery, workload: Type.Optional(of('That which has this workload (NAMESPACE/KIND/NAME) or address as an end.')), known: Type.Optional(Type.Boolean({ description: 'true: without what is still being learnt.' })) }, { additionalProperties: false }),
      response: answers(pageOf(ref(Baseline)), 404),
    },
  }, ({ query }) => paginate(baselines.list(query.workload ?? null).filter(({ known }) => query.known !== true || known), ({ id }) => id, query))

  app.post('/baselines', {
    schema: {
      operationId: 'teachBaseline',
      tags: ['baselines'],
      summary: 'Say what somebody is known for; it counts at once and ends by itself',
      description: 'In place of what was said of the same before. It speaks against a detection, and silences none that the model is overwhelmed by.',
      body: TeachBody,
      response: answers(ref(Baseline), 409, 413, 415, 422),
    },
  }, ({ body: { spec, actor } }) => baselines.teach(spec, actorOf(actor)))

  app.post('/baselines/forget', {
    schema: {
      operationId: 'forgetBaselines',
      tags: ['baselines'],
      summary: 'Forget what somebody is known for; it is learnt anew',
      body: ForgetBody,
      response: answers(Forgotten, 404, 409, 413, 415, 422),
    },
  }, async ({ body: { of: whom, port, reason, actor } }) => ({ forgotten: (await baselines.forget({ of: whom, port: port ?? null }, actorOf(actor), reason.trim())).length }))
}
