import { Type } from 'typebox'
import { Drift } from '../../../core/drift/drift.ts'
import type { Api, ApiContext } from '../context.ts'
import { answers, ref } from '../components.ts'

export function driftRoutes (app: Api, { loop }: ApiContext): void {
  app.get('/drift', {
    schema: {
      tags: ['status'],
      summary: 'How much of each namespace\'s traffic the model was not trained on, by name; empty where the model does not say, or nothing live was seen',
      response: answers(Type.Object({ items: Type.Array(ref(Drift)) }, { additionalProperties: false })),
    },
  }, () => ({ items: [...loop.drift.list()] }))
}
