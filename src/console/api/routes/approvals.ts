import { Type } from 'typebox'
import { Outlook } from '../../../core/plan/outlook.ts'
import { Decision } from '../../../core/policy/decision.ts'
import { actorOf, Id, Said } from '../asked.ts'
import { answers, ref } from '../components.ts'
import type { Api, ApiContext } from '../context.ts'

const SUMMARIES = {
  approve: 'Agree to what waits for a person; safety is asked again with the state of now',
  reject: 'Say no to what waits for a person; for this detection it is not asked again',
} as const

const params = Type.Object({ id: Id('Id of the decision.') })

/** Decisions that wait for a person: what a yes would do, and the answers. */
export function approvalRoutes (app: Api, { loop }: ApiContext): void {
  app.get('/decisions/:id/outlook', {
    schema: {
      tags: ['decisions'],
      summary: 'What a yes to what waits would do: flows it cuts, legitimate traffic it costs, pods it touches',
      description: 'Reckoned with the rules, pods, policies and flows of now; nothing is done.',
      params,
      response: answers(ref(Outlook), 404, 409),
    },
  }, ({ params: { id } }) => loop.outlook(id))

  for (const answer of ['approve', 'reject'] as const) {
    app.post(`/decisions/:id/${answer}`, {
      schema: {
        tags: ['decisions'],
        summary: SUMMARIES[answer],
        description: 'Gives what was decided then.',
        params,
        body: Said,
        response: answers(ref(Decision), 404, 409, 413, 415, 422),
      },
    }, async ({ params: { id }, body }) => loop.approvals.answer(id, answer, actorOf(body.actor), body.reason.trim()))
  }
}
