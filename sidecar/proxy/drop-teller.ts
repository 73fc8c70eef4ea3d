import { create } from '@bufbuild/protobuf'
import { Client, credentials, type ClientWritableStream } from '@grpc/grpc-js'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { Clock } from '../../src/ports/clock.ts'
import { DroppedSynsSchema, Keeper, type DroppedSyns } from '../../src/wire/gen/keeper_pb.ts'
import { methodOf } from '../../src/wire/method.ts'
import { wait } from '../../src/wire/wait.ts'
import { readCounters, RunningTotals } from './dropped-counters.ts'
import { TABLE } from './redirect-rules.ts'

export interface DropTellerOptions {
  /** The Unix socket on which the pod's observer listens. */
  readonly socket: string
  readonly clock: Clock
  /** Told when it changes. */
  readonly onTrouble: (words: string) => void
}

/** The step of restriction counts. */
const READ_MS = 500

/**
 * Tells the pod's observer what the limits on new connections drop, by running totals: an observer that comes late, or anew, counts from
 * what it hears first. While nothing is limited, nobody is asked.
 */
export class DropTeller {
  readonly #options: DropTellerOptions
  readonly #totals = new RunningTotals()
  /** `lifted`: the counters are read once more. */
  #limits: 'none' | 'held' | 'lifted' = 'none'
  #sinceMs = 0
  #trouble = ''

  constructor (options: DropTellerOptions) {
    this.#options = options
  }

  /** Whether new connections are limited from now on. */
  limiting (isLimited: boolean): void {
    if (this.#limits === 'none') this.#sinceMs = this.#options.clock.now()
    if (isLimited) this.#limits = 'held'
    else if (this.#limits === 'held') this.#limits = 'lifted'
  }

  /** Runs until the signal aborts. Never rejects: an observer that is away costs nothing but the count. */
  async run (signal: AbortSignal): Promise<void> {
    using stream = new ObserverStream(this.#options.socket)
    do {
      if (this.#limits === 'none') stream.begin(this.#word())
      else await this.#look(stream)
    } while (await wait(READ_MS, signal))
  }

  async #look (stream: ObserverStream): Promise<void> {
    const nowMs = this.#options.clock.now()
    try {
      this.#totals.take(await readCounters(TABLE))
      if (stream.tell(this.#word())) this.#sinceMs = nowMs
      if (this.#limits === 'lifted') this.#limits = 'none'
      this.#trouble = ''
    } catch (thrown) {
      const { message } = AutoshieldError.from(thrown)
      if (message !== this.#trouble) this.#options.onTrouble(message)
      this.#trouble = message
    }
  }

  #word (): DroppedSyns {
    return create(DroppedSynsSchema, {
      sinceMs: BigInt(this.#sinceMs),
      totals: [...this.#totals.byPort].map(([port, packets]) => ({ ...port === null ? {} : { port }, packets: BigInt(packets) })),
    })
  }
}

/** Once a second while nobody listens there, not grpc-js' two minutes. */
const CHANNEL = { 'grpc.initial_reconnect_backoff_ms': READ_MS, 'grpc.max_reconnect_backoff_ms': 2 * READ_MS } as const

/** One stream after another: one that has ended is begun anew with the next word. */
class ObserverStream implements Disposable {
  readonly #client: Client
  #call: ClientWritableStream<DroppedSyns> | null = null

  constructor (socket: string) {
    this.#client = new Client(`unix:${socket}`, credentials.createInsecure(), CHANNEL)
  }

  /** The first word of a stream, where none is open. */
  begin (word: DroppedSyns): void {
    if (this.#call === null) this.tell(word)
  }

  /** False where the observer has yet to read what it was told before. */
  tell (word: DroppedSyns): boolean {
    this.#call ??= this.#open()
    if (this.#call.writableNeedDrain) return false
    this.#call.write(word)
    return true
  }

  [Symbol.dispose] (): void {
    this.#call?.cancel()
    this.#client.close()
  }

  #open (): ClientWritableStream<DroppedSyns> {
    const { path, requestSerialize, responseDeserialize } = methodOf(Keeper.method.tell)
    // Told once, when it is over.
    const call = this.#client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, () => { if (this.#call === call) this.#call = null })
    call.on('error', () => undefined)
    return call
  }
}
