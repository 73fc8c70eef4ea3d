import { create } from '@bufbuild/protobuf'
import { status, type sendUnaryData, type Server, type ServerUnaryCall } from '@grpc/grpc-js'
import { Proxies, SnapshotResponseSchema, type SnapshotRequest, type SnapshotResponse } from '../src/wire/gen/proxies_pb.ts'
import { serverMethod, type Malformed } from '../src/wire/method.ts'
import { refusedWatcher, SHUTTING_DOWN, type Calls, type MayWatch } from './calls.ts'
import type { Fleet } from './fleet.ts'
import { ProxyWatcher, type WatchedFleet, type WatchProxiesCall } from './proxy-watcher.ts'

export interface ProxyCallsOptions {
  readonly fleet: WatchedFleet & Pick<Fleet, 'snapshot'>
  readonly mayWatch: MayWatch
}

type SnapshotCall = ServerUnaryCall<SnapshotRequest | Malformed, SnapshotResponse>

/** So many controllers are never there at once; one that comes back may find its old stream still open. */
const MAX_WATCHERS = 16

/** What a controller asks of whoever serves the proxies: their statuses, and what one of them has. */
export class ProxyCalls implements Calls {
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

  end (): void {
    for (const call of [...this.#watchers.keys()]) {
      this.#forget(call)
      call.emit('error', SHUTTING_DOWN)
    }
  }

  #watch (call: WatchProxiesCall): void {
    const refused = refusedWatcher(call, this.#options.mayWatch) ?? (this.#watchers.size < MAX_WATCHERS ? null : { code: status.RESOURCE_EXHAUSTED, details: `${MAX_WATCHERS} watchers follow the proxies already` })
    if (refused !== null) {
      call.emit('error', refused)
      return
    }
    this.#watchers.set(call, new ProxyWatcher(call, this.#options.fleet))
    for (const event of ['cancelled', 'error', 'close']) call.on(event, () => this.#forget(call))
  }

  #snapshot (call: SnapshotCall, reply: sendUnaryData<SnapshotResponse>): void {
    const refused = refusedWatcher(call, this.#options.mayWatch)
    if (refused !== null) reply(refused)
    else if (call.request.$typeName === 'malformed') reply({ code: status.INVALID_ARGUMENT, details: 'the request is no SnapshotRequest of autoshield.wire.v1' })
    else {
      const snapshot = this.#options.fleet.snapshot(call.request.podUid)
      reply(null, create(SnapshotResponseSchema, snapshot === null ? {} : { version: snapshot.version, resources: JSON.stringify(snapshot.resources) }))
    }
  }

  #forget (call: WatchProxiesCall): void {
    this.#watchers.get(call)?.[Symbol.dispose]()
    this.#watchers.delete(call)
  }
}
