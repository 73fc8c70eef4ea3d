import { setImmediate } from 'node:timers/promises'
import { create } from '@bufbuild/protobuf'
import { status, type Client, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js'
import { FEATURE_SCHEMA } from '../../src/core/window/window.ts'
import { encodeWindows } from '../../src/wire/encode-windows.ts'
import { Ingest, ObserverMessageSchema, type DetectorMessage, type ObserverMessage } from '../../src/wire/gen/ingest_pb.ts'
import { Scores, WatchRequestSchema, type WatchEvent } from '../../src/wire/gen/scores_pb.ts'
import { methodOf } from '../../src/wire/method.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'
import { ECHO } from './echo.ts'

const KEYS = 2_048
/** Batches under way at full speed: as many as a detector's default credits allow. */
const UNDER_WAY = 8

/** Sends batches, and tells when each is answered, in order. */
export interface Load {
  readonly send: (batch: ObserverMessage) => void
  /** Set by whoever measures: so many batches, in the order of sending, were answered. */
  onAnswered: (batches: number) => void
}

/** Makes the batches of a boot: pairs of one source in turn, each with a newer window than before. */
export class Batches {
  #sequence = 0
  #windows = 0

  next (size: number): ObserverMessage {
    const windows = Array.from({ length: size }, () => {
      const at = this.#windows++
      const key = at % KEYS
      return syntheticWindow({
        key: { kind: 'pair', source: `10.0.${key >> 8}.${key & 255}`, destination: '10.1.0.1' },
        number: 3_600_000_000 + Math.floor(at / KEYS),
        features: { flow_count: 1 + key % 5, bytes_sent: 200 + at % 900, bytes_received: 4_000, syn_count: 1, ack_count: 12, fin_count: 2, duration_s: 0.2, iat_mean_ms: 40, iat_std_ms: 12, unique_ports: 1 },
        counters: { packets_sent: 9, packets_received: 8, tcp_packets: 17 },
        ports: [{ port: 80, packets: 17 }],
        portBits: [key % 256],
      })
    })
    return create(ObserverMessageSchema, { message: { case: 'batch', value: { sequence: BigInt(++this.#sequence), windows: encodeWindows(windows) } } })
  }
}

/** A stream that breaks off makes every figure wrong: end the run. Closing the client at the end cancels, which is no failure. */
function failOpenly (error: ServiceError): void {
  if (error.code !== status.CANCELLED && error.code !== status.UNAVAILABLE) throw error
}

/** A stream to the detector; an answer is an acknowledgement: the batch was scored and its scores handed on. */
export async function ingestLoad (client: Client, identity: string): Promise<Load> {
  const { path, requestSerialize, responseDeserialize } = methodOf(Ingest.method.observe)
  const call: ClientDuplexStream<ObserverMessage, DetectorMessage> = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
  const load: Load = { send: (batch) => { call.write(batch) }, onAnswered: () => undefined }
  const { promise, resolve } = Promise.withResolvers<undefined>()
  let acknowledged = 0
  call.on('error', failOpenly)
  call.on('data', ({ message }: DetectorMessage) => {
    if (message.case === 'welcome') resolve(undefined)
    if (message.case !== 'ack') return
    const batches = Number(message.value.sequence) - acknowledged
    acknowledged += batches
    load.onAnswered(batches)
  })
  const bootId = crypto.getRandomValues(new Uint8Array(16))
  call.write(create(ObserverMessageSchema, { message: { case: 'hello', value: { identity, featureSchema: FEATURE_SCHEMA, bootId, source: 'pcap', version: 'bench', simulated: true } } }))
  await promise
  return load
}

/** The same batches to a server that gives them back. */
export function echoLoad (client: Client): Load {
  const { requestSerialize } = methodOf(Ingest.method.observe)
  const call: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(ECHO.path, ECHO.requestSerialize, ECHO.responseDeserialize)
  const load: Load = { send: (batch) => { call.write(requestSerialize(batch)) }, onAnswered: () => undefined }
  call.on('error', failOpenly)
  call.on('data', () => load.onAnswered(1))
  return load
}

/** Follows every score; resolves when the detector has begun to tell. `onScores` hears how many came at once. */
export async function follow (client: Client, onScores: (count: number) => void): Promise<void> {
  const { path, requestSerialize, responseDeserialize } = methodOf(Scores.method.watch)
  const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, create(WatchRequestSchema, { floor: 0, everyKey: false }))
  const { promise, resolve } = Promise.withResolvers<undefined>()
  call.on('error', failOpenly)
  call.on('data', ({ event }: WatchEvent) => {
    if (event.case === 'synced') resolve(undefined)
    if (event.case === 'scores') onScores(event.value.receivedAtMs.length)
  })
  await promise
}

/** Windows a second with as many batches under way as the credits allow, after a warm-up. */
export async function flood (load: Load, { size, warmUpMs, forMs }: { readonly size: number, readonly warmUpMs: number, readonly forMs: number }): Promise<number> {
  const batches = new Batches()
  let [underWay, answered] = [0, 0]
  let changed = Promise.withResolvers<undefined>()
  load.onAnswered = (count) => {
    underWay -= count
    answered += count
    changed.resolve(undefined)
    changed = Promise.withResolvers()
  }
  let [startedMs, before] = [performance.now(), 0]
  let warm = false
  for (;;) {
    for (; underWay < UNDER_WAY; underWay++) load.send(batches.next(size))
    await changed.promise
    const passedMs = performance.now() - startedMs
    if (!warm && passedMs >= warmUpMs) {
      warm = true
      ;[startedMs, before] = [performance.now(), answered]
    } else if (warm && passedMs >= forMs) {
      return (answered - before) * size / passedMs * 1000
    }
  }
}

/**
 * Milliseconds from sending a window to its answer, with batches at random times (a Poisson process).
 * `answers` is told how to say that so many windows, in the order of sending, were answered.
 */
export async function paced (load: Load, options: { readonly size: number, readonly perSecond: number, readonly warmUpMs: number, readonly forMs: number, readonly answers: (answered: (windows: number) => void) => void }): Promise<readonly number[]> {
  const { size, perSecond, warmUpMs, forMs, answers } = options
  const batches = new Batches()
  const sent: number[] = []
  const times: number[] = []
  let windows = 0
  const startedMs = performance.now()
  answers((count) => {
    const nowMs = performance.now()
    for (let index = 0; index < count; index++) {
      const sentMs = sent[Math.floor(windows++ / size)] ?? NaN
      if (sentMs - startedMs >= warmUpMs) times.push(nowMs - sentMs)
    }
  })
  for (let dueMs = startedMs; dueMs - startedMs < warmUpMs + forMs; dueMs -= Math.log(1 - Math.random()) * 1000 * size / perSecond) {
    const batch = batches.next(size)
    while (performance.now() < dueMs) await setImmediate()
    sent.push(performance.now())
    load.send(batch)
  }
  while (windows < sent.length * size) await setImmediate()
  return times
}
