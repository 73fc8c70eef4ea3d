import { create } from '@bufbuild/protobuf'
import type { ClientReadableStream } from '@grpc/grpc-js'
import { AutoshieldError } from '../../core/errors.ts'
import type { ProxyFleet, ProxySnapshot, ProxyStatus } from '../../ports/proxies.ts'
import { Proxies, SnapshotRequestSchema, WatchProxiesRequestSchema, type ProxyEvent, type SnapshotResponse } from '../../wire/gen/proxies_pb.ts'
import { methodOf } from '../../wire/method.ts'
import { decodeProxyStatus } from '../../wire/proxy-status.ts'
import { connect } from '../../wire/tls.ts'
import { followServers, xdsServer, type FollowServersOptions, type Line } from './follow-servers.ts'
import { fromGrpc } from './foreign-error.ts'
import { ProxyUnion } from './proxy-union.ts'

const ANSWER_MS = 5_000

/** The proxies of a cluster, whoever serves them: it follows every xDS server that there is. */
export class GrpcProxyFleet implements ProxyFleet {
  readonly #options: FollowServersOptions
  readonly #union = new ProxyUnion()
  readonly #listeners = new Set<(status: ProxyStatus) => void>()

  constructor (options: FollowServersOptions) {
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
    await followServers(this.#options, async (line) => this.#hear(line), signal)
  }

  /** One stream, until it ends: by throwing, or by returning where the signal aborted. */
  async #hear ({ address, client, signal, onHeard }: Line): Promise<void> {
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
        onHeard()
        this.#tell(this.#union.sync(address, first))
        first = null
      }
      throw new AutoshieldError('UNAVAILABLE', `${xdsServer(address)} ended the stream`)
    } finally {
      signal.removeEventListener('abort', cancel)
      call.cancel()
      this.#tell(this.#union.away(address))
    }
  }

  async #ask (address: string, podUid: string): Promise<SnapshotResponse> {
    const { path, requestSerialize, responseDeserialize } = methodOf(Proxies.method.snapshot)
    const { promise, resolve, reject } = Promise.withResolvers<SnapshotResponse>()
    const { credentials, server } = this.#options
    const client = connect(address, credentials.current(), { server })
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, create(SnapshotRequestSchema, { podUid }), { deadline: Date.now() + ANSWER_MS }, (error, response) => {
      client.close()
      if (error !== null) reject(fromGrpc(error, xdsServer(address)))
      else if (response === undefined) reject(new AutoshieldError('INTERNAL', `${xdsServer(address)} answered nothing`))
      else resolve(response)
    })
    return promise
  }

  #tell (changed: readonly ProxyStatus[]): void {
    for (const status of changed) for (const listener of this.#listeners) listener(status)
  }
}

function readStatus (text: string, address: string): ProxyStatus {
  const status = decodeProxyStatus(text)
  if (status === null) throw new AutoshieldError('BAD_DATA', `${xdsServer(address)} says something that is no status of a proxy; run the same version of both`)
  return status
}
