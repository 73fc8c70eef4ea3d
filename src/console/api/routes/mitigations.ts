import { Type } from 'typebox'
import { AutoshieldError } from '../../../core/errors.ts'
import { Mitigation } from '../../../core/mitigation/mitigation.ts'
import { PlanEffect } from '../../../core/plan/effect.ts'
import { actorOf, existing, Id, Said } from '../asked.ts'
import type { Api, ApiContext } from '../context.ts'
import { answers, ref } from '../components.ts'
import { PageQuery, pageOf, paginate, SCAN_LIMIT } from '../paging.ts'
import { planYaml, YAML_TYPE, YamlText } from './detections.ts'

export function mitigationRoutes (app: Api, { loop }: ApiContext): void {
  const { mitigations, decisions } = loop.store
  const params = Type.Object({ name: Id('Name of the mitigation.') })

  const mitigation = (name: string): Mitigation => existing(mitigations.get(name), 'mitigation', name, 'mitigations')

  app.get('/mitigations', {
    schema: {
      tags: ['mitigations'],
      summary: 'Mitigations, newest first',
      querystring: Type.Object({
        ...PageQuery,
        phase: Type.Optional(Mitigation.properties.status.properties.phase),
        detection: Type.Optional(Type.String({ maxLength: 253 })),
      }, { additionalProperties: false }),
      response: answers(pageOf(ref(Mitigation)), 404),
    },
  }, ({ query }) => {
    const wanted = mitigations.list({ limit: SCAN_LIMIT }).filter((item) =>
      (query.phase === undefined || item.status.phase === query.phase) &&
      (query.detection === undefined || item.spec.detection === query.detection))
    return paginate(wanted, ({ metadata }) => metadata.name, query)
  })

  app.get('/mitigations/:name', {
    schema: { tags: ['mitigations'], summary: 'One mitigation with its conditions', params, response: answers(ref(Mitigation), 404) },
  }, (request) => mitigation(request.params.name))

  app.get('/mitigations/:name/effect', {
    schema: { tags: ['mitigations'], summary: 'What each way of carrying it by NetworkPolicies does, on the policies, pods and flows of now', params, response: answers(ref(PlanEffect), 404, 409) },
  }, (request) => loop.effect(mitigation(request.params.name)))

  app.get('/mitigations/:name/plan', {
    schema: { tags: ['mitigations'], summary: 'The objects behind it (a NetworkPolicy, a patch), as YAML', params, response: answers(YamlText, 404) },
  }, (request, reply) => {
    const { metadata: { name } } = mitigation(request.params.name)
    const owners = decisions.list({ limit: SCAN_LIMIT }).filter((decision) => decision.mitigation === name)
    reply.type(YAML_TYPE).send(planYaml(owners))
  })

  app.post('/mitigations/:name/revert', {
    schema: {
      tags: ['mitigations'],
      summary: 'Undo a mitigation now',
      description: 'Takes the restriction back from every target and records who asked and why.',
      params,
      body: Said,
      response: answers(ref(Mitigation), 404, 409, 413, 415, 422),
    },
  }, ({ params: { name }, body }) => {
    const { status } = mitigation(name)
    if (status.phase !== 'active') throw new AutoshieldError('CONFLICT', `The mitigation '${name}' is already ${status.phase}; there is nothing left to undo.`)
    return loop.revert(name, actorOf(body.actor), body.reason.trim())
  })
}
