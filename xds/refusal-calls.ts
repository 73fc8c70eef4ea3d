import { create } from '@bufbuild/protobuf'
import { status, type Server, type ServerDuplexStream } from '@grpc/grpc-js'
import type { NumberedRefusal } from '../src/ports/proxies.ts'
import { Proxies, RefusalBatchSchema, RefusalSchema, type Refusal, type RefusalBatch, type RefusalsTaken } from '../src/wire/gen/proxies_pb.ts'
import { serverMethod, type Malformed } from '../src/wire/method.ts'
import { refusedWatcher, type Calls, type MayWatch } from './calls.ts'
import type { KeptRefusals } from './kept-refusals.ts'

type RefusalsCall = ServerDuplexStream<RefusalsTaken | Malformed, RefusalBatch>

/** So many controllers are never there at once; one that comes back may find its old stream still open. */
const MAX_FOLLOWERS = 16
const MAX_BATCH = 100

/** Hands what was refused to controllers, which write it to the audit trail. */
export class RefusalCalls implements Calls {
  readonly #kept: KeptRefusals
  readonly #mayWatch: MayWatch
  readonly #followers = new Map<RefusalsCall, Follower>()

  constructor ({ kept, mayWatch }: { readonly kept: KeptRefusals, readonly mayWatch: MayWatch }) {
    this.#kept = kept
    this.#mayWatch = mayWatch
  }

  register (server: Pick<Server, 'addService'>): void {
    server.addService({ refusals: serverMethod(Proxies.method.refusals) }, { refusals: (call: RefusalsCall) => this.#follow(call) })
  }

  /** Each stream ends when all that is kept has been taken; the server's own end bounds that. */
  end (): void {
    for (const follower of this.#followers.values()) follower.finish()
  }

  #follow (call: RefusalsCall): void {
    const refused = refusedWatcher(call, this.#mayWatch) ?? (this.#followers.size < MAX_FOLLOWERS ? null : { code: status.RESOURCE_EXHAUSTED, details: `${MAX_FOLLOWERS} already follow the refusals` })
    if (refused !== null) {
      call.emit('error', refused)
      return
    }
    this.#followers.set(call, new Follower(call, this.#kept))
    for (const event of ['cancelled', 'error', 'close']) {
      call.on(event, () => {
        this.#followers.get(call)?.[Symbol.dispose]()
        this.#followers.delete(call)
      })
    }
  }
}

/** One controller's stream. Holds nothing but the number that it waits for. */
class Follower implements Disposable {
  readonly #call: RefusalsCall
  readonly #kept: KeptRefusals
  readonly #following: Disposable
  /** The last of the batch that is out. */
  #out: number | null = null
  #finishing = false

  constructor (call: RefusalsCall, kept: KeptRefusals) {
    this.#call = call
    this.#kept = kept
    this.#following = kept.onAdd(() => this.#next())
    call.on('data', (taken: RefusalsTaken | Malformed) => this.#take(taken))
    call.on('end', () => call.end())
    this.#next()
  }

  finish (): void {
    this.#finishing = true
    this.#next()
  }

  [Symbol.dispose] (): void {
    this.#following[Symbol.dispose]()
  }

  #take (taken: RefusalsTaken | Malformed): void {
    if (taken.$typeName === 'malformed' || Number(taken.sequence) !== this.#out) {
      this.#call.emit('error', { code: status.INVALID_ARGUMENT, details: 'what is acknowledged is not the batch that is out' })
      return
    }
    this.#kept.acknowledge(this.#out)
    this.#out = null
    this.#next()
  }

  #next (): void {
    if (this.#out !== null) return
    const refusals = this.#kept.first(MAX_BATCH)
    const last = refusals.at(-1)
    if (last !== undefined) {
      this.#out = last.sequence
      this.#call.write(create(RefusalBatchSchema, { instance: this.#kept.instance, refusals: refusals.map(encode) }))
    } else if (this.#finishing) this.#call.end()
  }
}

const encode = ({ sequence, atMs, identity, reason, details, peer, count }: NumberedRefusal): Refusal =>
  create(RefusalSchema, { sequence: BigInt(sequence), atMs: BigInt(atMs), reason, details, peer, identity: identity ?? '', count })
