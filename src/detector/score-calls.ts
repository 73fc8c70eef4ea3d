import { create } from '@bufbuild/protobuf'
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js'
import { spiffeId, type Identity } from '../core/identity.ts'
import { FEATURES } from '../core/window/window.ts'
import type { Clock } from '../ports/clock.ts'
import type { Scorer } from '../ports/scorer.ts'
import { ReportersResponseSchema, type ExplainRequest, type ExplainResponse, type ReportersRequest, type ReportersResponse, type SourceAccountRequest, type SourceAccountResponse } from '../wire/gen/scores_pb.ts'
import type { Malformed } from '../wire/method.ts'
import { encodeAccount } from '../wire/account.ts'
import { decodeScores } from '../wire/scores.ts'
import { accountOf } from './account-of.ts'
import type { Limits } from './limits.ts'
import { callerOf, NO_IDENTITY, peerOf, type Authenticated } from './peer.ts'
import { refusal, statusOf, type Refusal } from './refusal.ts'
import type { Refused } from './refused.ts'
import type { SourceAccounts } from './source-accounts.ts'
import type { WatchCall, Watchers } from './watchers.ts'

export type ExplainCall = ServerUnaryCall<ExplainRequest | Malformed, ExplainResponse>
export type ReportersCall = ServerUnaryCall<ReportersRequest | Malformed, ReportersResponse>

export type SourceAccountCall = ServerUnaryCall<SourceAccountRequest | Malformed, SourceAccountResponse>

export interface ScoreCallOptions {
  /** The model of now. */
  readonly scorer: () => Scorer
  readonly watchers: Watchers
  readonly mayWatch: (identity: Identity) => boolean
  readonly limits: Limits
  readonly refused: Refused
  readonly clock: Clock
  /** Whose observers are connected now. */
  readonly reporters: () => ReadonlySet<string>
  readonly accounts: Pick<SourceAccounts, 'answer'>
}

/** The calls of a controller: follow the scores, have one explained, ask for the account of a source, and who reports. */
export class ScoreCalls {
  readonly #options: ScoreCallOptions

  constructor (options: ScoreCallOptions) {
    this.#options = options
  }

  watch (call: WatchCall): void {
    const { watchers, limits } = this.#options
    const { request } = call
    const refused = this.#checkCaller(call) ??
      (watchers.size < limits.maxWatchers ? null : refusal('Full', `${limits.maxWatchers} watchers follow the scores already`))
    if (refused !== null) this.#refuse(call, refused)
    else if (request.$typeName === 'malformed') this.#refuse(call, refusal('Malformed', 'the request is no WatchRequest of autoshield.wire.v1'))
    else if (!(request.floor >= 0 && request.floor <= 1)) this.#refuse(call, refusal('Malformed', `a floor of ${request.floor} is no probability`))
    else watchers.add(call, request)
  }

  explain (call: ExplainCall, reply: sendUnaryData<ExplainResponse>): void {
    const refused = this.#checkCaller(call)
    const answer = refused === null ? this.#account(call.request) : Promise.resolve(refused)
    answer.then((answer) => this.#reply(call, answer, reply), () => this.#reply(call, refusal('Failed', 'the model could not score the tensor'), reply))
  }

  reporters (call: ReportersCall, reply: sendUnaryData<ReportersResponse>): void {
    this.#reply(call, this.#checkCaller(call) ?? create(ReportersResponseSchema, { identities: [...this.#options.reporters()] }), reply)
  }

  sourceAccount (call: SourceAccountCall, reply: sendUnaryData<SourceAccountResponse>): void {
    const refused = this.#checkCaller(call)
    const answer = refused === null ? this.#options.accounts.answer(call.request) : Promise.resolve(refused)
    answer.then((answer) => this.#reply(call, answer, reply), () => this.#reply(call, refusal('Failed', 'the account could not be read'), reply))
  }

  #reply<T extends ExplainResponse | ReportersResponse | SourceAccountResponse> (call: Authenticated, answer: T | Refusal, reply: sendUnaryData<T>): void {
    if ('reason' in answer) {
      this.#count(call, answer)
      reply(statusOf(answer))
    } else {
      reply(null, answer)
    }
  }

  #count (call: Authenticated, refused: Refusal): void {
    this.#options.refused.add(refused, callerOf(call), this.#options.clock.now())
  }

  #checkCaller (call: Authenticated): Refusal | null {
    const peer = peerOf(call)
    if (peer === null) return NO_IDENTITY
    return this.#options.mayWatch(peer) ? null : refusal('NotYours', `${spiffeId(peer)} may not follow the scores; controllers alone may`)
  }

  #refuse (call: WatchCall, refused: Refusal): void {
    this.#count(call, refused)
    call.emit('error', statusOf(refused))
  }

  async #account (request: ExplainRequest | Malformed): Promise<ExplainResponse | Refusal> {
    if (request.$typeName === 'malformed') return refusal('Malformed', 'the request is no ExplainRequest of autoshield.wire.v1')
    const scorer = this.#options.scorer()
    const { classes, contextColumns } = scorer.model
    const decoded = request.score === undefined
      ? { ok: false as const, problem: 'there is no score to explain' }
      : decodeScores(request.score, { classes: classes.length, contexts: contextColumns.length })
    if (!decoded.ok) return refusal('Malformed', decoded.problem)
    const [score, ...more] = decoded.scores
    if (score === undefined || more.length > 0) return refusal('Malformed', `${decoded.scores.length} scores came where exactly one can be explained`)
    if (!classes.includes(request.className)) return refusal('Malformed', `${JSON.stringify(request.className.slice(0, 64))} is none of the model's classes ${classes.join(', ')}`)
    if (request.usual.length !== FEATURES.length) return refusal('Malformed', `usual has ${request.usual.length} values where the ${FEATURES.length} features need one each`)
    return encodeAccount(await accountOf(scorer, score, request.className, request.usual))
  }
}
