import { Type } from 'typebox'
import { AutoshieldError } from '../../../core/errors.ts'
import { FlowPage, packFlows } from '../../../core/history/flow-page.ts'
import { answers, ref } from '../components.ts'
import type { Api, ApiContext } from '../context.ts'

const DAY_MS = 24 * 3_600_000
/** Flows in one answer, some 200 bytes each. */
const MAX_FLOWS = 50_000

/** Who talked to whom, for a day. */
export function flowRoutes (app: Api, { loop: { flows }, clock }: ApiContext): void {
  app.get('/flows', {
    schema: {
      tags: ['flows'],
      summary: 'What was seen: one flow for two ends and a port, most connections first',
      description: 'Recorded from what observers tell of each minute, with the pods as they were then. Times are those of buckets of five minutes.',
      querystring: Type.Object({
        since: Type.Optional(Type.String({ maxLength: 40, format: 'date-time', description: 'ISO 8601; a day ago unless given.' })),
        until: Type.Optional(Type.String({ maxLength: 40, format: 'date-time', description: 'ISO 8601; now unless given.' })),
        namespace: Type.Optional(Type.String({ minLength: 1, maxLength: 63, description: 'Only flows with an end in this namespace.' })),
        limit: Type.Integer({ minimum: 1, maximum: MAX_FLOWS, default: MAX_FLOWS, description: 'At most this many flows.' }),
      }, { additionalProperties: false }),
      response: answers(ref(FlowPage)),
    },
  }, ({ query: { since, until, namespace, limit } }) => {
    const sinceMs = since === undefined ? clock.now() - DAY_MS : timeOf(since)
    const { sinceMs: oldest, lost } = flows.kept()
    return {
      since: new Date(sinceMs).toISOString(),
      keptSince: oldest === null ? null : new Date(oldest).toISOString(),
      lost,
      watched: namespace === undefined ? [] : [...flows.watched({ namespace, sinceMs, ...(until !== undefined && { untilMs: timeOf(until) }) })],
      ...packFlows(flows.records({ sinceMs, ...(until !== undefined && { untilMs: timeOf(until) }), ...(namespace !== undefined && { namespace }) }), limit),
    }
  })
}

/** A leap second passes the format and is no time of this machine's. */
function timeOf (text: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new AutoshieldError('USAGE', `'${text}' is no time: write it as 2026-01-31T12:00:00Z.`)
  return time
}
