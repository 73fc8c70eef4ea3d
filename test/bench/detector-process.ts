// The detector that `detector.ts` measures, in a process of its own: started with an IPC channel, told its credentials,
// it answers with the addresses of the detector and of a plain echo, and with the pace of the scorer alone.
import { Server, type ServerDuplexStream } from '@grpc/grpc-js'
import { loadModel } from '../../src/adapters/onnx/load-model.ts'
import type { Credentials } from '../../src/core/identity.ts'
import { TENSOR_SIZE } from '../../src/core/tensor/tensor-table.ts'
import { Detector } from '../../src/detector/detector.ts'
import type { Scorer } from '../../src/ports/scorer.ts'
import { fixedCredentials } from '../../src/wire/held-credentials.ts'
import { serverTls } from '../../src/wire/tls.ts'
import { ECHO } from './echo.ts'

export interface Start { readonly model: string, readonly credentials: Credentials }
export interface Started { readonly detector: string, readonly echo: string, readonly scorerPerSecond: number }

const BATCH = 32

process.once('message', ({ model, credentials }: Start) => {
  serve(model, credentials).catch((error: unknown) => { throw error })
})

async function serve (model: string, credentials: Credentials): Promise<void> {
  const scorer = await loadModel(model)
  const scorerPerSecond = await pace(scorer)
  const echo = await listenEcho(credentials)
  const detector = new Detector({
    scorer,
    credentials: fixedCredentials(credentials),
    listen: '127.0.0.1:0',
    scopeOf: () => ({ kind: 'replay' }),
    mayWatch: () => true,
    clock: { now: Date.now },
    // The load is offered at its own times, whatever is under way.
    limits: { credits: 65_536, holdMs: 0 },
    onListening: (address) => process.send?.({ detector: address, echo, scorerPerSecond } satisfies Started),
  })
  await detector.run(new AbortController().signal)
}

/** Tensors a second that the scorer alone takes, in the batches that the detector makes. */
async function pace (scorer: Scorer): Promise<number> {
  const tensors = Float32Array.from({ length: BATCH * TENSOR_SIZE }, (_, index) => index * 7919 % 97)
  const contexts = new Float32Array(BATCH * scorer.model.contextColumns.length).fill(1)
  let [rounds, started] = [0, performance.now()]
  for (const untilMs of [500, 2_000]) {
    [rounds, started] = [0, performance.now()]
    for (; performance.now() - started < untilMs; rounds++) await scorer.score(BATCH, tensors, contexts)
  }
  return rounds * BATCH / (performance.now() - started) * 1000
}

/** Gives every message back as it came. */
async function listenEcho (credentials: Credentials): Promise<string> {
  const server = new Server()
  server.addService({ echo: ECHO }, {
    echo: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (bytes: Buffer) => call.write(bytes))
      call.on('end', () => call.end())
    },
  })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  server.bindAsync('127.0.0.1:0', serverTls(fixedCredentials(credentials)), (error, port) => error === null ? resolve(`127.0.0.1:${port}`) : reject(error))
  return promise
}
