import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { create } from '@bufbuild/protobuf'
import { Server, ServerCredentials, status, type sendUnaryData, type ServerReadableStream } from '@grpc/grpc-js'
import { AutoshieldError } from '../../src/core/errors.ts'
import { AccessLogService, StreamAccessLogsResponseSchema, type StreamAccessLogsMessage, type StreamAccessLogsResponse } from '../../src/wire/gen/xds/envoy/service/accesslog/v3/als_pb.js'
import { serverMethod, type Malformed } from '../../src/wire/method.ts'
import { wait } from '../../src/wire/wait.ts'
import { readHttpEntry, readTcpEntry, type ProxyEntry } from './proxy-entry.ts'

export interface AlsServerOptions {
  /** Path of the Unix socket; whatever lies there is replaced. */
  readonly socket: string
  readonly onEntry: (entry: ProxyEntry) => void
  /** Has the server serve something else as well. */
  readonly alsoServe?: (server: Server) => void
  /** It cannot listen; it tries again every `retryMs`. */
  readonly onRefused?: (error: AutoshieldError) => void
  readonly retryMs?: number
}

/** `none`: the proxy has told nothing yet. `ended`: it did, and tells nothing now: as a rule it is away, and connections pass it by. */
export type ProxyLog = 'none' | 'open' | 'ended'

type Call = ServerReadableStream<StreamAccessLogsMessage | Malformed, StreamAccessLogsResponse>

const RETRY_MS = 5_000
/** Envoy has a stream a logger and thread: three of each. */
const MAX_STREAMS = 64
/** Envoy sends what it has gathered in 16 KiB, or one entry that is larger. */
const SERVER_OPTIONS = { 'grpc.max_receive_message_length': 256 * 1_024, 'grpc.max_concurrent_streams': MAX_STREAMS } as const

/**
 * Envoy's access log service on a Unix socket. Who may open it is a matter of the folder that it lies in: one that the observer and the
 * pod's Envoy share, and nobody else. It reads as fast as it can and answers nothing, so it never holds Envoy back; Envoy for its part
 * drops, and counts, what it cannot get rid of.
 */
export class AlsServer {
  /** Messages and entries that were none of ours, and streams that were too many. */
  malformed = 0
  refused = 0
  readonly #options: AlsServerOptions
  readonly #tried = Promise.withResolvers<undefined>()
  /** Why it could not listen when it last tried; null where it does. */
  #failure: AutoshieldError | null = null
  #streams = 0
  #heard = false

  constructor (options: AlsServerOptions) {
    this.#options = options
  }

  /** Envoy begins a log with its first entry, and keeps it open. */
  get log (): ProxyLog {
    return this.#streams > 0 ? 'open' : this.#heard ? 'ended' : 'none'
  }

  /** Resolves true once it listens, false where the signal aborts before. Rejects with UNAVAILABLE where it could not when it last tried. */
  async listens (signal: AbortSignal): Promise<boolean> {
    const over = new AbortController()
    await Promise.race([this.#tried.promise, aborted(AbortSignal.any([signal, over.signal]))])
    over.abort() // the wait
    if (signal.aborted) return false
    if (this.#failure !== null) throw this.#failure
    return true
  }

  /** Serves until the signal aborts. Never rejects: an observer without proxy goes on observing. */
  async run (signal: AbortSignal): Promise<void> {
    const { retryMs = RETRY_MS, onRefused, alsoServe } = this.#options
    while (!signal.aborted) {
      const server = new Server(SERVER_OPTIONS)
      server.addService({ streamAccessLogs: serverMethod(AccessLogService.method.streamAccessLogs) }, {
        streamAccessLogs: (call: Call, reply: sendUnaryData<StreamAccessLogsResponse>) => this.#serve(call, reply),
      })
      alsoServe?.(server)
      try {
        await this.#bind(server)
        this.#failure = null
        this.#tried.resolve(undefined)
        await aborted(signal)
      } catch (error) {
        this.#failure = AutoshieldError.from(error)
        this.#tried.resolve(undefined)
        onRefused?.(this.#failure)
        await wait(retryMs, signal)
      } finally {
        server.forceShutdown()
      }
    }
  }

  async #bind (server: Server): Promise<void> {
    const { socket } = this.#options
    await rm(socket, { force: true }) // of an observer that was killed
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve(undefined)
      else reject(new AutoshieldError('UNAVAILABLE', `the access log service cannot listen on ${socket} (${error.message}); the folder must be there and writable.`, { cause: error }))
    })
    await promise
    await chmod(socket, 0o666) // Envoy runs as another user; the folder keeps others out
  }

  #serve (call: Call, reply: sendUnaryData<StreamAccessLogsResponse>): void {
    if (this.#streams >= MAX_STREAMS) {
      this.refused++
      reply({ code: status.RESOURCE_EXHAUSTED, details: `${MAX_STREAMS} streams are open already` })
      return
    }
    const place = new DisposableStack()
    this.#streams++
    this.#heard = true
    place.defer(() => { this.#streams-- })
    // A stream that breaks off is opened again by Envoy.
    for (const event of ['cancelled', 'error', 'close', 'end']) call.on(event, () => place.dispose())
    call.on('data', (message: StreamAccessLogsMessage | Malformed) => this.#take(message))
    call.on('end', () => reply(null, create(StreamAccessLogsResponseSchema)))
  }

  #take (message: StreamAccessLogsMessage | Malformed): void {
    if (message.$typeName === 'malformed') {
      this.malformed++
      return
    }
    const { logEntries } = message
    const entries = logEntries.case === 'tcpLogs'
      ? logEntries.value.logEntry.map(readTcpEntry)
      : logEntries.case === 'httpLogs' ? logEntries.value.logEntry.map(readHttpEntry) : []
    for (const entry of entries) {
      if (entry === null) this.malformed++
      else this.#options.onEntry(entry)
    }
  }
}

async function aborted (signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}
