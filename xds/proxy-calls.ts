import { create } from '@bufbuild/protobuf'
import { status, type sendUnaryData, type Server, type ServerUnaryCall } from '@grpc/grpc-js'
import { identityOfPeer, spiffeId, type Identity } from '../src/core/identity.ts'
import { Proxies, SnapshotResponseSchema, type SnapshotRequest, type SnapshotResponse } from '../src/wire/gen/proxies_pb.ts'
import { serverMethod, type Malformed } from '../src/wire/method.ts'
import type { Fleet } from './fleet.ts'
import { ProxyWatcher, type WatchedFleet, type WatchProxiesCall } from './proxy-watcher.ts'

export interface ProxyCallsOptions {
  readonly fleet: WatchedFleet & Pick<Fleet, 'snapshot'>
  /** Whether an identity may know of every proxy. */
  readonly mayWatch: (identity: Identity) => boolean
}

type SnapshotCall = ServerUnaryCall<SnapshotRequest | Malformed, SnapshotResponse>
type Caller = Pick<SnapshotCall, 'getAuthContext'>
interface Refused { readonly code: status, readonly details: string }

/** So many controllers are never there at once; one that comes back may find its old stream still open. */
const MAX_WATCHERS = 16

/** What a controller asks of whoever serves the proxies: their statuses, and what one of them has. */
export class ProxyCalls {
  readonly #options: ProxyCallsOptions
  readonly #watchers = new Map<WatchProxiesCall, ProxyWatcher>()

  constructor (options: ProxyCallsOptions) {
    this.#options = options
  }

  register (server: Pick<Server, 'addService'>): void {
    server.addService(
      { watch: serverMethod(Proxies.method.watch), snapshot: serverMethod(Proxies.method.snapshot) },
      { watch: (call: WatchProxiesCall) => this.#watch(call), snapshot: (call: SnapshotCall, reply: sendUnaryData<SnapshotResponse>) => this.#snapshot(call, reply) }
    )
  }

  /** Ends every stream: its client connects elsewhere or again. */
  end (): void {
    for (const call of [...this.#watchers.keys()]) {
      this.#forget(call)
      call.emit('error', { code: status.UNAVAILABLE, details: 'this xDS server is shutting down; connect again' })
    }
  }

  #watch (call: WatchProxiesCall): void {
    const refused = this.#check(call) ?? (this.#watchers.size < MAX_WATCHERS ? null : { code: status.RESOURCE_EXHAUSTED, details: `${MAX_WATCHERS} watchers follow the proxies already` })
    if (refused !== null) {
      call.emit('error', refused)
      return
    }
    this.#watchers.set(call, new ProxyWatcher(call, this.#options.fleet))
    for (const event of ['cancelled', 'error', 'close']) call.on(event, () => this.#forget(call))
  }

  #snapshot (call: SnapshotCall, reply: sendUnaryData<SnapshotResponse>): void {
    const refused = this.#check(call)
    if (refused !== null) reply(refused)
    else if (call.request.$typeName === 'malformed') reply({ code: status.INVALID_ARGUMENT, details: 'the request is no SnapshotRequest of autoshield.wire.v1' })
    else {
      const snapshot = this.#options.fleet.snapshot(call.request.podUid)
      reply(null, create(SnapshotResponseSchema, snapshot === null ? {} : { version: snapshot.version, resources: JSON.stringify(snapshot.resources) }))
    }
  }

  #check (call: Caller): Refused | null {
    const identity = identityOfPeer(call.getAuthContext().sslPeerCertificate ?? {})
    if (identity !== null && this.#options.mayWatch(identity)) return null
    return { code: status.PERMISSION_DENIED, details: `${identity === null ? 'nobody' : spiffeId(identity)} may not know of every proxy; controllers alone may` }
  }

  #forget (call: WatchProxiesCall): void {
    this.#watchers.get(call)?.[Symbol.dispose]()
    this.#watchers.delete(call)
  }
}
