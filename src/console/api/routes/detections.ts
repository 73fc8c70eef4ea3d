import { Type } from 'typebox'
import { stringify } from 'yaml'
import { Decision, VERDICTS } from '../../../core/policy/decision.ts'
import { Approval } from '../../../core/safety/approval.ts'
import { RuleVerdict } from '../../../core/policy/why.ts'
import { Detection } from '../../../core/verdict/detection.ts'
import { existing, Id } from '../asked.ts'
import type { Api, ApiContext } from '../context.ts'
import { answers, ref } from '../components.ts'
import { PageQuery, pageOf, paginate, SCAN_LIMIT } from '../paging.ts'

/** The planned objects of decisions, as one YAML stream; a comment where there are none, so that it is never an empty file. */
export function planYaml (decisions: readonly Decision[]): string {
  const documents = decisions.flatMap(({ plan }) => plan.map(({ yaml }) => yaml.trimEnd()))
  return documents.length === 0 ? `# ${stringify('nothing is planned')}` : `${documents.join('\n---\n')}\n`
}

/** Several documents are no one object of a media type, and a browser shows text where it would save a file. */
export const YAML_TYPE = 'text/plain; charset=utf-8'

export const YamlText = Type.Unsafe<string>({
  description: 'YAML documents, as `kubectl apply -f -` reads them.',
  content: { 'text/plain': { schema: { type: 'string' } } },
})

export function detectionRoutes (app: Api, { loop }: ApiContext): void {
  const { detections, decisions } = loop.store
  const ofDetection = Type.Object({ id: Id('Id of the detection.') })
  const ofDecision = Type.Object({ id: Id('Id of the decision.') })
  const detection = (id: string): Detection => existing(detections.get(id), 'detection', id, 'detections')
  const decision = (id: string): Decision => existing(decisions.get(id), 'decision', id, 'decisions')

  app.get('/detections', {
    schema: {
      tags: ['detections'],
      summary: 'Detections, newest first',
      querystring: Type.Object({
        ...PageQuery,
        phase: Type.Optional(Detection.properties.phase),
        class: Type.Optional(Type.String({ maxLength: 100 })),
        chain: Type.Optional(Type.String({ maxLength: 253, description: 'The story on one source.' })),
      }, { additionalProperties: false }),
      response: answers(pageOf(ref(Detection)), 404),
    },
  }, ({ query }) => {
    const wanted = detections.list({ limit: SCAN_LIMIT }).filter((item) =>
      (query.phase === undefined || item.phase === query.phase) &&
      (query.class === undefined || item.class === query.class) &&
      (query.chain === undefined || item.chain === query.chain))
    return paginate(wanted, ({ id }) => id, query)
  })

  app.get('/detections/:id', {
    schema: {
      tags: ['detections'],
      summary: 'One detection with its explanation and tensor',
      params: ofDetection,
      response: answers(ref(Detection), 404),
    },
  }, ({ params: { id } }) => detection(id))

  app.get('/detections/:id/why', {
    schema: {
      tags: ['detections'],
      summary: 'Every rule that fires for it or does not, with the comparison that decided, and what was decided',
      description: 'By the rules of now, and by what was kept with the detection: a condition on features that were not kept cannot be told.',
      params: ofDetection,
      response: answers(Type.Object({ detection: ref(Detection), rules: Type.Array(ref(RuleVerdict)), decisions: Type.Array(ref(Decision)) }, { additionalProperties: false }), 404),
    },
  }, ({ params: { id } }) => {
    const found = detection(id)
    return { detection: found, rules: [...loop.rulebook.why(found)], decisions: decisions.list({ limit: SCAN_LIMIT }).filter(({ detection }) => detection === found.id).toReversed() }
  })

  app.get('/decisions', {
    schema: {
      tags: ['decisions'],
      summary: 'Decisions, newest first',
      querystring: Type.Object({
        ...PageQuery,
        detection: Type.Optional(Type.String({ maxLength: 253 })),
        verdict: Type.Optional(Type.Enum([...VERDICTS])),
        approval: Type.Optional(Approval.properties.state),
      }, { additionalProperties: false }),
      response: answers(pageOf(ref(Decision)), 404),
    },
  }, ({ query }) => {
    const wanted = decisions.list({ limit: SCAN_LIMIT }).filter((item) =>
      (query.detection === undefined || item.detection === query.detection) &&
      (query.verdict === undefined || item.verdict === query.verdict) &&
      (query.approval === undefined || item.approval?.state === query.approval))
    return paginate(wanted, ({ id }) => id, query)
  })

  app.get('/decisions/:id', {
    schema: { tags: ['decisions'], summary: 'One decision with every safety check', params: ofDecision, response: answers(ref(Decision), 404) },
  }, (request) => decision(request.params.id))

  app.get('/decisions/:id/plan', {
    schema: { tags: ['decisions'], summary: 'The objects that it would apply, as YAML', params: ofDecision, response: answers(YamlText, 404) },
  }, (request, reply) => {
    reply.type(YAML_TYPE).send(planYaml([decision(request.params.id)]))
  })
}
