import type { Client, status } from '@grpc/grpc-js'
import type { Reply, Variant } from './case.ts'
import { textsOf } from './gathering.ts'
import { Invariants } from './invariants.ts'
import type { Memory } from './memory.ts'
import { urlOf, type TypeWord } from './resource.ts'
import { Stream, type Arrived, type Response } from './stream.ts'

/** A request as a case words it. */
export interface Asking {
  readonly add: readonly string[]
  readonly drop?: readonly string[]
  /** What the client brings of an earlier stream; null for nothing. */
  readonly kept?: readonly string[] | null
  readonly stale?: boolean
  readonly node?: boolean
}

/** One type on one stream, as the client sees it. */
interface Asked {
  names: readonly string[]
  nonces: readonly string[]
  version: string
  held: Response | null
}

const UNKNOWN = 'type.googleapis.com/autoshield.conformance.Unknown'
const WORDS = 'refused by the conformance suite'

/** A client's stream that keeps the protocol's books, so that cases need not: nonces, versions and lists of names. */
export class PlayedStream implements Disposable {
  readonly #stream: Stream
  readonly #variant: Variant
  readonly #memory: Memory
  readonly #invariants: Invariants
  readonly #types = new Map<TypeWord, Asked>()
  readonly #violations: string[] = []
  #spoken = false
  /** Arrival of the response that was taken last. */
  taken = 0

  constructor (variant: Variant, client: Client, memory: Memory) {
    this.#variant = variant
    this.#stream = new Stream(client, variant)
    this.#memory = memory
    this.#invariants = new Invariants(variant)
  }

  ask (type: TypeWord | 'unknown', { add, drop = [], kept = null, stale = false, node = false }: Asking): void {
    if (type === 'unknown') {
      this.#send(UNKNOWN, { node })
      return
    }
    this.#invariants.asked(type)
    const asked = this.#of(type)
    asked.names = [...new Set([...asked.names, ...add])].filter((name) => !drop.includes(name))
    if (kept !== null && this.#variant === 'sotw') asked.version = this.#memory.versionOf(type)
    const nonce = stale ? asked.nonces.at(-2) : this.#variant === 'sotw' ? asked.nonces.at(-1) : ''
    this.#send(urlOf(type), {
      node, nonce: nonce ?? '', names: asked.names, version: asked.version, subscribe: add, unsubscribe: drop, initial: this.#variant === 'delta' ? this.#memory.initial(type, kept ?? []) : {},
    })
  }

  /** The next response of a type; null when none comes in time. */
  async next (type: TypeWord, deadlineMs: number): Promise<Arrived | null> {
    const response = await this.#stream.take((one) => one.type === type, deadlineMs)
    return response === null ? null : this.#took(type, response)
  }

  /** A response of a type that came and was not taken yet. */
  pending (type: TypeWord): Arrived | null {
    const index = this.#stream.inbox.findIndex((one) => one.type === type)
    const [response] = index < 0 ? [] : this.#stream.inbox.splice(index, 1)
    return response === undefined ? null : this.#took(type, response)
  }

  #took (type: TypeWord, response: Arrived): Arrived {
    this.#violations.push(...this.#invariants.check(response))
    this.taken = Math.max(this.taken, response.arrival)
    const asked = this.#of(type)
    asked.nonces = [...asked.nonces, response.nonce]
    return response
  }

  reply (response: Response, reply: Reply): void {
    if (response.type === null) return
    const asked = this.#of(response.type)
    asked.held = response
    if (reply !== 'hold') this.answer(response.type, reply)
  }

  /** Answers the response that is held. */
  answer (type: TypeWord, reply: 'ack' | 'nack'): void {
    const asked = this.#of(type)
    if (asked.held === null) throw new TypeError(`no response of ${type} waits for an answer`)
    const { nonce, version } = asked.held
    this.#memory.remember(type, asked.held, reply === 'ack')
    if (reply === 'ack') asked.version = version
    asked.held = null
    this.#send(urlOf(type), { nonce, error: reply === 'ack' ? null : WORDS, names: asked.names, version: asked.version })
  }

  /** What was wrong with the responses since the last call. */
  violations (): string[] {
    return this.#violations.splice(0)
  }

  /** For people: what came and nobody asked for. */
  get waiting (): string {
    const texts = this.#stream.inbox.map((response) => `${response.typeUrl}: ${textsOf(response).join(' ')}`)
    return texts.length === 0 ? '' : `; there came: ${texts.join('; ')}`
  }

  /** The code that the stream ended with; null where it goes on. */
  async ended (deadlineMs: number): Promise<status | null> {
    await this.#stream.take(() => false, deadlineMs)
    const ended = await Promise.race([this.#stream.ended, Promise.resolve(null)])
    return ended?.code ?? null
  }

  #of (type: TypeWord): Asked {
    const asked = this.#types.get(type) ?? { names: [], nonces: [], version: '', held: null }
    this.#types.set(type, asked)
    return asked
  }

  /** Only the first request of a stream carries the node, unless it is to. */
  #send (typeUrl: string, request: Partial<Parameters<Stream['send']>[0]>): void {
    this.#stream.send({ typeUrl, nonce: '', error: null, names: [], version: '', subscribe: [], unsubscribe: [], initial: {}, ...request, node: !this.#spoken || request.node === true })
    this.#spoken = true
  }

  [Symbol.dispose] (): void {
    this.#stream[Symbol.dispose]()
  }
}
