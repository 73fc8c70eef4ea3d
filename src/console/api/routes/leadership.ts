import { answers, ref } from '../components.ts'
import type { Api, ApiContext } from '../context.ts'
import { LeadershipState } from '../views.ts'

/** Which of several controllers works, and who could take over. */
export function leadershipRoutes (app: Api, { loop }: ApiContext): void {
  app.get('/leadership', {
    schema: { tags: ['status'], summary: 'Which replica leads, and how far its followers are behind', response: answers(ref(LeadershipState)) },
  }, () => ({ leadership: loop.leadership() }))
}
