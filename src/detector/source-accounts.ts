import { create } from '@bufbuild/protobuf'
import { spiffeId } from '../core/identity.ts'
import type { HeldWindows } from '../core/tensor/tensor-table.ts'
import { TokenBucket } from '../core/token-bucket.ts'
import { STEPS_MS, type StepMs, type WindowKey } from '../core/window/window.ts'
import type { Clock } from '../ports/clock.ts'
import { addressFromBytes } from '../wire/address.ts'
import { SourceAccountResponseSchema, type SourceAccountRequest, type SourceAccountResponse } from '../wire/gen/scores_pb.ts'
import type { Malformed } from '../wire/method.ts'
import type { IngestStream } from './ingest-stream.ts'
import type { Limits } from './limits.ts'
import { refusal, type Refusal } from './refusal.ts'
import type { ScoringLoop } from './scoring-loop.ts'

export interface SourceAccountsOptions {
  readonly streams: () => Iterable<IngestStream>
  readonly scoring: Pick<ScoringLoop, 'held'>
  readonly limits: Pick<Limits, 'maxAccountsPerSecond' | 'accountWaitMs'>
  readonly clock: Clock
}

const MAX_DESTINATIONS = 64
const RATE_SECONDS = 2

interface Question {
  readonly reporter: string
  readonly source: string
  readonly destinations: readonly string[]
  readonly stepMs: StepMs
  readonly throughMs: number
}

/** Says what the observer of a pair's source told of it, so that both ends' accounts can be compared. */
export class SourceAccounts {
  readonly #options: SourceAccountsOptions
  readonly #rate: TokenBucket

  constructor (options: SourceAccountsOptions) {
    const { limits, clock } = options
    this.#options = options
    this.#rate = new TokenBucket({ perSecond: limits.maxAccountsPerSecond, seconds: RATE_SECONDS, nowMs: clock.now() })
  }

  async answer (request: SourceAccountRequest | Malformed): Promise<SourceAccountResponse | Refusal> {
    const { limits, clock, streams, scoring } = this.#options
    if (!this.#rate.take(1, clock.now())) return refusal('TooMuch', `accounts were asked for more than ${limits.maxAccountsPerSecond} times a second`)
    const question = read(request)
    if ('reason' in question) return question
    const { reporter, source, destinations, stepMs, throughMs } = question
    const stream = [...streams()].findLast(({ coverage, identity }) => coverage !== null && spiffeId(identity) === reporter)
    const coverage = stream?.coverage ?? null
    if (stream === undefined || coverage === null) return create(SourceAccountResponseSchema)
    if (coverage.toldMs < throughMs) stream.tellBy(throughMs)
    await coverage.told(throughMs, limits.accountWaitMs)
    const found = destinations.map((destination) => scoring.held(reporter, { kind: 'pair', source, destination } satisfies WindowKey, stepMs))
    const rows = summed(found.flatMap(({ held }) => held ?? []))
    return create(SourceAccountResponseSchema, {
      account: {
        source: coverage.source,
        sinceMs: coverage.sinceMs,
        toldMs: coverage.toldMs,
        lostMs: Math.max(coverage.lostMs, ...found.map(({ lostMs }) => lostMs)),
        number: rows.map(({ number }) => number),
        flows: rows.map(({ flows }) => flows),
        proved: rows.map(({ proved }) => proved),
        oldest: Math.max(0, ...found.map(({ held }) => held?.oldest ?? 0)),
      },
    })
  }
}

function read (request: SourceAccountRequest | Malformed): Question | Refusal {
  if (request.$typeName === 'malformed') return refusal('Malformed', 'the request is no SourceAccountRequest of autoshield.wire.v1')
  const { reporter, throughMs } = request
  const stepMs = STEPS_MS.find((step) => step === request.stepMs)
  const source = addressFromBytes(request.source)
  const destinations = request.destinations.flatMap((bytes) => addressFromBytes(bytes) ?? [])
  if (stepMs === undefined) return refusal('Malformed', `${request.stepMs} ms is none of the steps ${STEPS_MS.join(', ')}`)
  if (source === null || destinations.length !== request.destinations.length) return refusal('Malformed', 'an end of the pair is no address of 4 or 16 bytes')
  if (destinations.length === 0 || destinations.length > MAX_DESTINATIONS) return refusal('Malformed', `${destinations.length} destinations came where 1 to ${MAX_DESTINATIONS} can be looked up`)
  if (!Number.isFinite(throughMs)) return refusal('Malformed', `${throughMs} is no time`)
  return { reporter, source, destinations, stepMs, throughMs }
}

/** Of several keys, window by window, oldest first. */
function summed (accounts: readonly HeldWindows[]): HeldWindows['windows'] {
  const byNumber = Map.groupBy(accounts.flatMap(({ windows }) => windows), ({ number }) => number)
  const total = (numbers: readonly number[]): number => numbers.reduce((sum, value) => sum + value, 0)
  return [...byNumber].sort(([one], [other]) => one - other)
    .map(([number, rows]) => ({ number, flows: total(rows.map(({ flows }) => flows)), proved: total(rows.map(({ proved }) => proved)) }))
}
