import { Type } from 'typebox'
import { Decision } from '../../../core/policy/decision.ts'
import { actorOf, Id, Said } from '../asked.ts'
import { answers, ref } from '../components.ts'
import type { Api, ApiContext } from '../context.ts'

const SUMMARIES = {
  approve: 'Agree to what waits for a person; safety is asked again with the state of now',
  reject: 'Say no to what waits for a person; for this detection it is not asked again',
} as const

/** Answers to decisions that wait for a person. */
export function approvalRoutes (app: Api, { loop: { approvals } }: ApiContext): void {
  for (const answer of ['approve', 'reject'] as const) {
    app.post(`/decisions/:id/${answer}`, {
      schema: {
        tags: ['decisions'],
        summary: SUMMARIES[answer],
        description: 'Gives what was decided then.',
        params: Type.Object({ id: Id('Id of the decision.') }),
        body: Said,
        response: answers(ref(Decision), 404, 409, 413, 415, 422),
      },
    }, async ({ params: { id }, body }) => approvals.answer(id, answer, actorOf(body.actor), body.reason.trim()))
  }
}
