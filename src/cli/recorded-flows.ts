import { type Command, Option } from 'commander'
import { Compile } from 'typebox/compile'
import { readFlows } from '../adapters/store/flow-store.ts'
import { AutoshieldError } from '../core/errors.ts'
import { FlowPage, packFlows, unpackFlows } from '../core/history/flow-page.ts'
import type { FlowRecord } from '../core/history/flow-record.ts'
import { dataOption } from './context.ts'
import { callApi } from './loop-api.ts'
import { sinceMs } from './since.ts'

export interface RecordedFlags {
  readonly data: string
  readonly api?: string
  readonly since: number
}

/** What was recorded, and how far back it reaches. */
export interface Recorded {
  readonly records: readonly FlowRecord[]
  readonly page: FlowPage
}

/** Unix time; the end is not in it. */
interface Span { readonly sinceMs: number, readonly untilMs: number }

const valid = Compile(FlowPage)
/** Of a data folder nothing is left off. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER

/** Adds the flags that choose recorded flows, the same for every verb. */
export function recordedOptions (command: Command): Command {
  return command.addOption(dataOption())
    .addOption(new Option('--api <url>', 'ask the API of an AutoShield that runs, and not the data folder'))
    .addOption(new Option('--since <when>', 'flows since: 15m, 1h, 2d ago, or a time (ISO 8601)').argParser((text) => sinceMs(text, Date.now())).default(Date.now() - 24 * 3_600_000, '24h'))
}

/** Throws NOT_FOUND where there is no data folder with flows, UNAVAILABLE where no API answers. */
export async function readRecorded ({ data, api, since }: RecordedFlags, { namespace, until }: { readonly namespace?: string | undefined, readonly until?: number } = {}): Promise<Recorded> {
  if (api === undefined) {
    using flows = readFlows(data)
    const records = flows.records({ sinceMs: since, ...(until !== undefined && { untilMs: until }), ...(namespace !== undefined && { namespace }) })
    const { sinceMs: oldest, lost } = flows.kept()
    const watched = namespace === undefined ? [] : [...flows.watched({ namespace, sinceMs: since, ...(until !== undefined && { untilMs: until }) })]
    return { records, page: { since: new Date(since).toISOString(), keptSince: oldest === null ? null : new Date(oldest).toISOString(), lost, watched, ...packFlows(records, NO_LIMIT) } }
  }
  const query = new URLSearchParams({
    since: new Date(since).toISOString(), ...(until !== undefined && { until: new Date(until).toISOString() }), ...(namespace !== undefined && { namespace }),
  })
  const page = await callApi(api, 'GET', `/flows?${query.toString()}`)
  const records = valid.Check(page) ? unpackFlows(page) : null
  if (records === null || !valid.Check(page)) throw new AutoshieldError('BAD_DATA', `What ${api} answered are no flows: is it this version's AutoShield?`)
  return { records, page }
}

/** What was recorded in each of these spans, each on its own, and how many flows were left off. Throws as `readRecorded`. */
export async function readSpans ({ data, api }: Pick<RecordedFlags, 'data' | 'api'>, spans: readonly Span[]): Promise<{ readonly records: readonly FlowRecord[], readonly left: number }> {
  if (api === undefined) {
    using flows = readFlows(data)
    return { records: spans.flatMap((span) => flows.records(span)), left: 0 }
  }
  const read: Recorded[] = []
  for (const { sinceMs: since, untilMs: until } of spans) read.push(await readRecorded({ data, api, since }, { until }))
  return { records: read.flatMap(({ records }) => records), left: read.reduce((sum, { page }) => sum + page.left, 0) }
}

/** How much there is, for people; what is missing is said. */
export function tellRecorded ({ records, page: { keptSince, lost, left } }: Recorded): string {
  const missing = [
    ...(left > 0 ? [`${left} flows with fewest connections were left off: ask for a namespace, or read the data folder with --data`] : []),
    ...(lost.room > 0 ? [`${lost.room} rows went before their time for want of room`] : []),
    ...(lost.late + lost.ends > 0 ? [`${lost.late + lost.ends} accounts could not be kept`] : []),
  ]
  return `${records.length} flows, ${keptSince === null ? 'and none is kept yet: the first is after some minutes' : `kept since ${keptSince}`}${missing.map((what) => `; ${what}`).join('')}`
}
