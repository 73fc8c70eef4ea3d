import type { FastifyBaseLogger, FastifyInstance, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { Clock } from '../../ports/clock.ts'
import type { Loop } from '../../ports/loop.ts'
import type { EventFeed } from './event-feed.ts'

/** A server whose handlers are typed by their TypeBox schemas. */
export type Api = FastifyInstance<RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, FastifyBaseLogger, TypeBoxTypeProvider>

/** What the routes work on. */
export interface ApiContext {
  readonly loop: Loop
  readonly clock: Clock
  readonly feed: EventFeed
  readonly version: string
  readonly startedAt: string
}
