import { answers, ref } from '../components.ts'
import type { Api, ApiContext } from '../context.ts'
import { ModelsView } from '../views.ts'

/** What detectors score with. They are steered where their files lie, by `autoshield model`. */
export function modelRoutes (app: Api, { loop }: ApiContext): void {
  app.get('/models', {
    schema: {
      tags: ['models'],
      summary: 'Which model scores, which is in shadow and how it compares, which are installed, what was refused',
      description: 'Promoting and going back are `autoshield model promote` and `rollback`, beside the detector: whoever may write its folder.',
      response: answers(ref(ModelsView)),
    },
  }, () => ({ standing: loop.models(), comparison: loop.comparison() }))
}
