import { Type } from 'typebox'
import { Halt } from '../../../core/safety/state.ts'
import { actorOf, Said } from '../asked.ts'
import { answers, ref } from '../components.ts'
import type { Api, ApiContext } from '../context.ts'
import { PanicState } from '../views.ts'

const PullBody = Type.Object({ ...Said.properties, undo: Type.Optional(Type.Boolean({ default: false, description: 'Whether to undo every mitigation in force.' })) }, { additionalProperties: false })

const Pulled = Type.Object({
  halt: ref(Halt),
  undone: Type.Integer({ minimum: 0, description: 'How many mitigations were undone.' }),
  failed: Type.Array(Type.Object({ mitigation: Type.String(), message: Type.String() }, { additionalProperties: false }), { description: 'Those that could not be undone, and why.' }),
}, { additionalProperties: false })

/** The kill switch. */
export function panicRoutes (app: Api, { loop: { killSwitch } }: ApiContext): void {
  app.get('/panic', {
    schema: { tags: ['panic'], summary: 'Whether all new actions are stopped', response: answers(ref(PanicState)) },
  }, () => ({ halt: killSwitch.halt }))

  app.post('/panic', {
    schema: {
      tags: ['panic'],
      summary: 'Stop all new actions now',
      description: 'Detections, decisions and alerts go on, and nothing is done about them until actions are let go on. With `undo`, what is in force is taken back as well.',
      body: PullBody,
      response: answers(Pulled, 413, 415, 422),
    },
  }, async ({ body }) => {
    const { halt, undone, failed } = await killSwitch.pull(actorOf(body.actor), body.reason.trim(), body.undo ?? false)
    return { halt, undone, failed: [...failed] }
  })

  app.post('/panic/end', {
    schema: {
      tags: ['panic'],
      summary: 'Let actions go on',
      body: Said,
      response: answers(ref(PanicState), 409, 413, 415, 422),
    },
  }, async ({ body }) => {
    await killSwitch.release(actorOf(body.actor), body.reason.trim())
    return { halt: killSwitch.halt }
  })
}
