import { create } from '@bufbuild/protobuf'
import { status, type Server, type sendUnaryData, type ServerReadableStream } from '@grpc/grpc-js'
import { STEPS_MS } from '../../src/core/window/window.ts'
import { DroppedSynsHeardSchema, Keeper, type DroppedSyns as Told, type DroppedSynsHeard } from '../../src/wire/gen/keeper_pb.ts'
import { serverMethod, type Malformed } from '../../src/wire/method.ts'
import type { OwnRestrictionCount } from '../../src/wire/restriction-counts.ts'

type Call = ServerReadableStream<Told | Malformed, DroppedSynsHeard>
/** By port; null: of limits on any port. */
type Totals = ReadonlyMap<number | null, number>

/** Half a minute's worth for 64 ports. */
const MAX_COUNTS = 4_096

/** What the proxy's keeper tells of new connections that the kernel dropped, as counts without a source. */
export class DroppedSyns {
  /** Messages that made no sense. */
  malformed = 0
  /** Dropped connections for whose count there was no room. */
  dropped = 0
  readonly #destination: string
  #counts: OwnRestrictionCount[] = []
  /** Ends the stream that is heard now. */
  #end: (() => void) | null = null

  /** `destination`: the pod's own address that stands for all of them. */
  constructor (destination: string) {
    this.#destination = destination
  }

  /** Has the server serve it as well. */
  serveBy (server: Server): void {
    server.addService({ tell: serverMethod(Keeper.method.tell) }, { tell: (call: Call, reply: sendUnaryData<DroppedSynsHeard>) => this.#serve(call, reply) })
  }

  /** What was counted since the last call. */
  drain (): readonly OwnRestrictionCount[] {
    return this.#counts.splice(0)
  }

  #serve (call: Call, reply: sendUnaryData<DroppedSynsHeard>): void {
    this.#end?.()
    const end = (): void => reply({ code: status.ABORTED, details: 'a newer stream of the keeper took over' })
    this.#end = end
    let before: Totals | null = null
    call.on('data', (message: Told | Malformed) => {
      if (this.#end !== end) return
      const totals = message.$typeName === 'malformed' ? null : totalsOf(message)
      if (totals === null || message.$typeName === 'malformed') this.malformed++
      else {
        if (before !== null) this.#count(before, totals, Number(message.sinceMs))
        before = totals
      }
    })
    call.on('error', () => undefined) // it is opened again by the keeper
    call.on('end', () => { if (this.#end === end) reply(null, create(DroppedSynsHeardSchema)) })
    for (const event of ['cancelled', 'close', 'end']) call.on(event, () => { if (this.#end === end) this.#end = null })
  }

  #count (before: Totals, totals: Totals, sinceMs: number): void {
    const atMs = Math.floor(sinceMs / STEPS_MS[0]) * STEPS_MS[0]
    for (const [port, total] of totals) {
      const attempts = total - (before.get(port) ?? 0)
      if (attempts <= 0) continue
      if (this.#counts.length < MAX_COUNTS) this.#counts.push({ source: null, destination: this.#destination, port, unit: 'connections', atMs, attempts, denied: 0, limited: attempts, passed: 0, shadowed: 0 })
      else this.dropped += attempts
    }
  }
}

/** null where it makes no sense. */
function totalsOf ({ sinceMs, totals }: Told): Totals | null {
  const byPort = new Map(totals.map(({ port, packets }) => [port ?? null, Number(packets)] as const))
  const isSound = Number.isSafeInteger(Number(sinceMs)) && [...byPort].every(([port, packets]) => (port === null || (port >= 1 && port <= 65_535)) && Number.isSafeInteger(packets))
  return isSound ? byPort : null
}
