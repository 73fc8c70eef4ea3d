import { Type } from 'typebox'
import { COMMANDS } from '../../../core/rollout/advance.ts'
import { MeshPolicy } from '../../../core/rollout/mesh-policy.ts'
import { Actor, actorOf, existing, ObjectName, Said } from '../asked.ts'
import type { Api, ApiContext } from '../context.ts'
import { answers, ref } from '../components.ts'
import { PageQuery, pageOf, paginate } from '../paging.ts'

const SUMMARIES = {
  pause: 'Hold a rollout where it is; going back for trouble is not held up',
  resume: 'Let a rollout go on, from the beginning of its step',
  promote: 'Move a rollout on by one step, whatever the evidence',
  undo: 'Take a rollout back to the next stage that enforces nothing (or, from shadow, tells only), and hold it there',
} as const satisfies Record<(typeof COMMANDS)[number], string>

const params = Type.Object({ name: ObjectName('Name of the mesh policy.') })
const ApplyBody = Type.Object({ spec: Type.Unknown({ description: 'As in the object; what is left out is filled in.' }), actor: Actor }, { additionalProperties: false })

export function rolloutRoutes (app: Api, { loop: { rollouts } }: ApiContext): void {
  app.get('/rollouts', {
    schema: {
      tags: ['rollouts'],
      summary: 'Mesh policies with their rollouts, by name',
      querystring: Type.Object(PageQuery, { additionalProperties: false }),
      response: answers(pageOf(ref(MeshPolicy)), 404),
    },
  }, ({ query }) => paginate(rollouts.list(), ({ metadata }) => metadata.name, query))

  app.get('/rollouts/:name', {
    schema: { tags: ['rollouts'], summary: 'One mesh policy: stage, evidence, what it waits for', params, response: answers(ref(MeshPolicy), 404) },
  }, ({ params: { name } }) => existing(rollouts.get(name), 'mesh policy', name, 'rollouts'))

  app.put('/rollouts/:name', {
    schema: {
      operationId: 'applyMeshPolicy',
      tags: ['rollouts'],
      summary: 'Make a mesh policy, or change what it asks for',
      description: 'Standalone alone; in a cluster it is an object that kubectl writes. How far its rollout has come is kept.',
      params,
      body: ApplyBody,
      response: answers(ref(MeshPolicy), 409, 413, 415, 422),
    },
  }, ({ params: { name }, body }) => rollouts.apply(name, body.spec, actorOf(body.actor)))

  app.delete('/rollouts/:name', {
    schema: {
      operationId: 'deleteMeshPolicy',
      tags: ['rollouts'],
      summary: 'Delete a mesh policy and end the restrictions that it made; answers what it was',
      description: 'Standalone alone; in a cluster kubectl deletes it.',
      params,
      querystring: Said,
      response: answers(ref(MeshPolicy), 404, 409, 422),
    },
  }, ({ params: { name }, query }) => rollouts.remove(name, actorOf(query.actor), query.reason.trim()))

  for (const command of COMMANDS) {
    app.post(`/rollouts/:name/${command}`, {
      schema: { tags: ['rollouts'], summary: SUMMARIES[command], params, body: Said, response: answers(ref(MeshPolicy), 404, 409, 413, 415, 422) },
    }, ({ params: { name }, body }) => rollouts.command(name, command, actorOf(body.actor), body.reason.trim()))
  }
}
