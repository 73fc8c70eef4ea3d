import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { status, type ClientDuplexStream, type StatusObject } from '@grpc/grpc-js'
import type { Test } from 'tap'
import { spiffeId, type Credentials, type Identity } from '../../src/core/identity.ts'
import { FEATURE_SCHEMA, type Window } from '../../src/core/window/window.ts'
import { addressToBytes } from '../../src/wire/address.ts'
import { encodeWindows } from '../../src/wire/encode-windows.ts'
import { Ingest, ObserverMessageSchema, type Ack, type DetectorMessage, type HelloSchema, type ObserverMessage, type Welcome } from '../../src/wire/gen/ingest_pb.ts'
import { methodOf } from '../../src/wire/method.ts'
import { connect } from '../../src/wire/tls.ts'
import { POD, POD_ADDRESS } from './stage.ts'

type Said = MessageInitShape<typeof ObserverMessageSchema>['message']

/** A hello that the detector of `stage` welcomes. */
export const goodHello: MessageInitShape<typeof HelloSchema> = {
  identity: spiffeId(POD),
  featureSchema: FEATURE_SCHEMA,
  source: 'packet',
  version: '0',
  ownAddresses: [Uint8Array.from(addressToBytes(POD_ADDRESS) ?? [])],
}

/** An observer without manners: it says what a test tells it to. */
export class RawObserver {
  readonly answers: DetectorMessage[] = []
  bootId = Uint8Array.from({ length: 16 }, (_, index) => index)
  /** How the detector ended the stream: `CODE: its words`. */
  readonly ended: Promise<string>
  readonly #call: ClientDuplexStream<ObserverMessage | Uint8Array, DetectorMessage>
  #changed = Promise.withResolvers<undefined>()

  /** `server`: who the detector must prove to be; without, it is told by its name. */
  constructor (t: Test, detector: string, credentials: Credentials, server?: Identity) {
    const client = connect(detector, credentials, server === undefined ? {} : { server })
    t.teardown(() => client.close())
    const { path, requestSerialize, responseDeserialize } = methodOf(Ingest.method.observe)
    const serialize = (message: ObserverMessage | Uint8Array) => message instanceof Uint8Array ? Buffer.from(message) : requestSerialize(message)
    this.#call = client.makeBidiStreamRequest(path, serialize, responseDeserialize)
    const { promise, resolve } = Promise.withResolvers<string>()
    this.ended = promise
    this.#call.on('error', () => undefined)
    this.#call.on('status', ({ code, details }: StatusObject) => resolve(`${status[code]}: ${details}`))
    this.#call.on('data', (answer: DetectorMessage) => {
      this.answers.push(answer)
      this.#changed.resolve(undefined)
      this.#changed = Promise.withResolvers()
    })
  }

  say (message: Said): void {
    this.#call.write(create(ObserverMessageSchema, message === undefined ? {} : { message }))
  }

  hello (change: MessageInitShape<typeof HelloSchema> = {}): void {
    this.say({ case: 'hello', value: { ...goodHello, bootId: this.bootId, ...change } })
  }

  batch (sequence: number, windows: readonly Window[]): void {
    this.say({ case: 'batch', value: { sequence: BigInt(sequence), windows: encodeWindows(windows) } })
  }

  bytes (bytes: Uint8Array): void {
    this.#call.write(bytes)
  }

  end (): void {
    this.#call.end()
  }

  async welcome (): Promise<Welcome> {
    return this.#answer(({ message }) => message.case === 'welcome' ? message.value : null)
  }

  /** Resolves when everything up to `sequence` was acknowledged. */
  async acknowledged (sequence: number): Promise<Ack> {
    return this.#answer(({ message }) => message.case === 'ack' && message.value.sequence >= sequence ? message.value : null)
  }

  /** Resolves when so many answers have come. */
  async answered (count: number): Promise<void> {
    while (this.answers.length < count) await this.#changed.promise
  }

  async #answer<T> (pick: (answer: DetectorMessage) => T | null): Promise<T> {
    for (;;) {
      for (const answer of this.answers) {
        const picked = pick(answer)
        if (picked !== null) return picked
      }
      await this.#changed.promise
    }
  }
}
