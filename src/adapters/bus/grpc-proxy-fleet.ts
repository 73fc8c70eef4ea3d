import { create } from '@bufbuild/protobuf'
import type { Client, ClientReadableStream } from '@grpc/grpc-js'
import { backoffMs, type Backoff } from '../../core/backoff.ts'
import { AutoshieldError } from '../../core/errors.ts'
import type { Identity } from '../../core/identity.ts'
import type { CredentialSource, ProxyFleet, ProxySnapshot, ProxyStatus } from '../../ports.ts'
import { Proxies, SnapshotRequestSchema, WatchProxiesRequestSchema, type ProxyEvent, type SnapshotResponse } from '../../wire/gen/proxies_pb.ts'
import { methodOf } from '../../wire/method.ts'
import { decodeProxyStatus } from '../../wire/proxy-status.ts'
import { connect } from '../../wire/tls.ts'
import { wait } from '../../wire/wait.ts'
import { fromGrpc } from './foreign-error.ts'
import { ProxyUnion } from './proxy-union.ts'

/** Which servers there are now. */
export interface ServerDirectory {
  /** `HOST:PORT` each. */
  readonly list: () => readonly string[]
  readonly onChange: (listener: () => void) => Disposable
}

export interface GrpcProxyFleetOptions {
  readonly servers: ServerDirectory
  /** The newest at each connection. */
  readonly credentials: CredentialSource
  /** Who each of them must be. */
  readonly server: Identity
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly backoff?: Backoff
  /** Told why a server is not heard any more, before it is tried again. */
  readonly onDisconnect?: (error: AutoshieldError) => void
}

const BACKOFF: Backoff = { baseMs: 100, maxMs: 2_000 }
const ANSWER_MS = 5_000

/** Asked anew each time: to the compiler a flag that was false stays false. */
const isLive = (signal: AbortSignal): boolean => !signal.aborted
const phrase = (address: string): string => `the xDS server at ${address}`

/** The proxies of a cluster, whoever serves them: it follows every xDS server that there is. */
export class GrpcProxyFleet implements ProxyFleet {
  readonly #options: GrpcProxyFleetOptions
  readonly #union = new ProxyUnion()
  readonly #listeners = new Set<(status: ProxyStatus) => void>()

  constructor (options: GrpcProxyFleetOptions) {
    this.#options = options
  }

  /** Nothing: the servers follow the store, where mitigations are before they are handed over here. */
  apply (): void {}

  heard (): boolean {
    return this.#union.heard
  }

  statuses (): readonly ProxyStatus[] {
    return this.#union.statuses()
  }

  async snapshot (podUid: string): Promise<ProxySnapshot | null> {
    const address = this.#union.serverOf(podUid)
    if (address === null) throw new AutoshieldError('UNAVAILABLE', 'no xDS server answers, so what proxies have is not known; look at the pods of autoshield-xds.')
    const { version, resources } = await this.#ask(address, podUid)
    return version === '' ? null : { version, resources: JSON.parse(resources) as unknown }
  }

  onChange (listener: (status: ProxyStatus) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => { this.#listeners.delete(listener) } }
  }

  /** Follows every server until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    const { servers } = this.#options
    const followed = new Map<string, { readonly stop: AbortController, readonly ended: Promise<void> }>()
    const look = (): void => {
      const there = new Set(servers.list())
      for (const [address, { stop }] of followed) if (!there.has(address) || !isLive(signal)) stop.abort()
      for (const address of there) {
        if (followed.has(address) || !isLive(signal)) continue // also one that came back while its following ends
        const stop = new AbortController()
        const ended = this.#follow(address, stop.signal).finally(() => {
          followed.delete(address)
          look()
        })
        followed.set(address, { stop, ended })
      }
    }
    const looking = servers.onChange(look)
    look()
    const aborted = Promise.withResolvers<undefined>()
    signal.addEventListener('abort', () => aborted.resolve(undefined), { once: true })
    if (isLive(signal)) await aborted.promise
    looking[Symbol.dispose]()
    look()
    await Promise.all([...followed.values()].map(async ({ ended }) => ended))
  }

  async #follow (address: string, signal: AbortSignal): Promise<void> {
    const { random, backoff = BACKOFF, onDisconnect } = this.#options
    for (let attempt = 0; isLive(signal); attempt++) {
      try {
        await this.#hear(address, signal, () => { attempt = 0 })
      } catch (error) {
        if (isLive(signal)) onDisconnect?.(fromGrpc(error, phrase(address)))
      }
      this.#tell(this.#union.away(address))
      await wait(backoffMs(attempt, random(), backoff), signal)
    }
  }

  /** One stream, until it ends: by throwing, or by returning where the signal aborted. */
  async #hear (address: string, signal: AbortSignal, onSynced: () => void): Promise<void> {
    const client = this.#connect(address)
    const { path, requestSerialize, responseDeserialize } = methodOf(Proxies.method.watch)
    const call: ClientReadableStream<ProxyEvent> = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, create(WatchProxiesRequestSchema))
    const cancel = (): void => call.cancel()
    signal.addEventListener('abort', cancel)
    try {
      /** What was told so far, until it is everything. */
      let first: Map<string, ProxyStatus> | null = new Map()
      for await (const { statuses: texts, gone, synced } of call as AsyncIterable<ProxyEvent>) {
        const statuses = texts.map((text) => readStatus(text, address))
        if (first === null) {
          this.#tell(this.#union.change(address, statuses, gone))
          continue
        }
        for (const uid of gone) first.delete(uid)
        for (const status of statuses) first.set(status.podUid, status)
        if (!synced) continue
        onSynced()
        this.#tell(this.#union.sync(address, first))
        first = null
      }
      throw new AutoshieldError('UNAVAILABLE', `${phrase(address)} ended the stream`)
    } finally {
      signal.removeEventListener('abort', cancel)
      call.cancel()
      client.close()
    }
  }

  async #ask (address: string, podUid: string): Promise<SnapshotResponse> {
    const { path, requestSerialize, responseDeserialize } = methodOf(Proxies.method.snapshot)
    const { promise, resolve, reject } = Promise.withResolvers<SnapshotResponse>()
    const client = this.#connect(address)
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, create(SnapshotRequestSchema, { podUid }), { deadline: Date.now() + ANSWER_MS }, (error, response) => {
      client.close()
      if (error !== null) reject(fromGrpc(error, phrase(address)))
      else if (response === undefined) reject(new AutoshieldError('INTERNAL', `${phrase(address)} answered nothing`))
      else resolve(response)
    })
    return promise
  }

  #connect (address: string): Client {
    const { credentials, server } = this.#options
    return connect(address, credentials.current(), { server })
  }

  #tell (changed: readonly ProxyStatus[]): void {
    for (const status of changed) for (const listener of this.#listeners) listener(status)
  }
}

function readStatus (text: string, address: string): ProxyStatus {
  const status = decodeProxyStatus(text)
  if (status === null) throw new AutoshieldError('BAD_DATA', `${phrase(address)} says something that is no status of a proxy; run the same version of both`)
  return status
}
