import { create } from '@bufbuild/protobuf'
import type { ServerWritableStream } from '@grpc/grpc-js'
import type { Malformed } from '../src/wire/method.ts'
import { ProxyEventSchema, type ProxyEvent, type WatchProxiesRequest } from '../src/wire/gen/proxies_pb.ts'
import { encodeProxyStatus } from '../src/wire/proxy-status.ts'
import type { Fleet } from './fleet.ts'

export type WatchProxiesCall = ServerWritableStream<WatchProxiesRequest | Malformed, ProxyEvent>
export type WatchedFleet = Pick<Fleet, 'statuses' | 'status' | 'onChange' | 'onGone'>

/** Statuses in one event, of some 300 bytes each, and more where proxies refuse. */
const MAX_STATUSES = 1_000

/**
 * Tells one client of every proxy, and then what changes. Holds UIDs and looks the status up when it can be sent: one write is
 * under way at a time, so a slow client costs no memory and gets the newest.
 */
export class ProxyWatcher {
  readonly #call: WatchProxiesCall
  readonly #fleet: WatchedFleet
  readonly #following = new DisposableStack()
  readonly #due: Set<string>
  #writing = false
  #synced = false

  constructor (call: WatchProxiesCall, fleet: WatchedFleet) {
    this.#call = call
    this.#fleet = fleet
    this.#due = new Set(fleet.statuses().map(({ podUid }) => podUid))
    const note = (podUid: string): void => {
      this.#due.add(podUid)
      this.#writeNext()
    }
    this.#following.use(fleet.onChange(({ podUid }) => note(podUid)))
    this.#following.use(fleet.onGone(note))
    this.#writeNext()
  }

  /** Nothing is told any more; the call is the caller's to end. */
  [Symbol.dispose] (): void {
    this.#following.dispose()
  }

  #writeNext (): void {
    if (this.#writing || this.#following.disposed || (this.#due.size === 0 && this.#synced)) return
    const uids = this.#due.values().take(MAX_STATUSES).toArray()
    for (const uid of uids) this.#due.delete(uid)
    const told = uids.map((uid) => ({ uid, status: this.#fleet.status(uid) }))
    const synced = !this.#synced && this.#due.size === 0
    this.#synced ||= synced
    this.#writing = true
    this.#call.write(create(ProxyEventSchema, {
      statuses: told.flatMap(({ status }) => status === null ? [] : [encodeProxyStatus(status)]),
      gone: told.flatMap(({ uid, status }) => status === null ? [uid] : []),
      synced,
    }), (error: Error | null | undefined) => {
      this.#writing = false
      if (!(error instanceof Error)) this.#writeNext()
    })
  }
}
