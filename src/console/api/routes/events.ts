import { Readable } from 'node:stream'
import { Type } from 'typebox'
import type { Api, ApiContext } from '../context.ts'
import { answers } from '../components.ts'

const EventStream = Type.Unsafe<Readable>({
  description: [
    'Server-sent events until the caller leaves: `hello` {resumed}, `detection` {detection}, `decision` {decision},',
    '`mitigation` {mitigation}, `proxy` {status}, `rollout` {name, policy}, `halt` {halt}, `changed` {list}, after which that list is another one, `traffic` {atMs, edges, stats}, and `reset` {lost} in place of what a slow reader',
    'lost. After `hello` with `resumed: false` and after `reset`, fetch the lists again. A comment line is the heartbeat.',
  ].join(' '),
  content: { 'text/event-stream': { schema: { type: 'string' } } },
})

export function eventRoutes (app: Api, { feed }: ApiContext): void {
  app.get('/events', {
    schema: {
      tags: ['events'],
      summary: 'The loop as it happens',
      headers: Type.Object({
        'last-event-id': Type.Optional(Type.String({ description: 'Id of the last event that the caller saw; the stream goes on after it where it can.' })),
      }),
      response: answers(EventStream),
    },
  }, (request, reply) => {
    const leaving = new AbortController()
    reply.raw.once('close', () => leaving.abort())
    const stream = Readable.from(feed.open(request.headers['last-event-id'], leaving.signal))
    reply.headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' }).type('text/event-stream').send(stream)
  })
}
