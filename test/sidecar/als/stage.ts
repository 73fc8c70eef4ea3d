import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AlsServer } from '../../../sidecar/als/als-server.ts'
import type { ProxyEntry } from '../../../sidecar/als/proxy-entry.ts'
import { RestrictionTally } from '../../../sidecar/als/restriction-tally.ts'
import type { OwnRestrictionCount } from '../../../src/wire/restriction-counts.ts'
import { Laboratory, explicitProxy, freePort, greeter } from '../../xds/laboratory.ts'
import { onLoopback, RealEnvoy, until } from '../../xds/real-envoy.ts'

/** An access log service that keeps all that it hears, on a socket in a folder of its own. */
export class Listener implements AsyncDisposable {
  readonly entries: ProxyEntry[] = []
  readonly tally = new RestrictionTally()
  readonly counts: OwnRestrictionCount[] = []
  readonly socket: string
  readonly #folder: string
  #stop = new AbortController()
  #ran: Promise<void> = Promise.resolve()
  server: AlsServer

  private constructor (folder: string) {
    this.#folder = folder
    this.socket = join(folder, 'als.sock')
    this.server = this.#newServer()
  }

  static async start (): Promise<Listener> {
    const listener = new Listener(await mkdtemp(join(tmpdir(), 'autoshield-als-')))
    await listener.serve()
    return listener
  }

  #newServer (): AlsServer {
    return new AlsServer({
      socket: this.socket,
      onEntry: (entry) => {
        this.entries.push(entry)
        this.tally.take(entry)
      },
    })
  }

  /** Also again, after `stop`: as an observer that was started anew. */
  async serve (): Promise<void> {
    this.server = this.#newServer()
    this.#ran = this.server.run(this.#stop.signal)
    await this.server.listens(this.#stop.signal)
  }

  async stop (): Promise<void> {
    this.#stop.abort()
    await this.#ran
    this.#stop = new AbortController()
  }

  /** Resolves with the sums of what was counted of a source, once they are as wanted. */
  async counted (source: string, wanted: (sums: Sums) => boolean): Promise<Sums> {
    return until(`counts of ${source}: ${JSON.stringify(this.sums(source))}`, () => {
      const sums = this.sums(source)
      return wanted(sums) ? sums : undefined
    }).catch((error: unknown) => { throw new Error(`${String(error)}: ${JSON.stringify(this.sums(source))}`) })
  }

  sums (source: string): Sums {
    this.counts.push(...this.tally.drain())
    const of = this.counts.filter((count) => count.source === source)
    const sum = (name: keyof Sums): number => of.reduce((all, count) => all + count[name], 0)
    return { attempts: sum('attempts'), denied: sum('denied'), limited: sum('limited'), passed: sum('passed'), shadowed: sum('shadowed') }
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

type Sums = Record<'attempts' | 'denied' | 'limited' | 'passed' | 'shadowed', number>

/** A pod `victim` whose real Envoy logs to `listener`, with its configuration taken. */
export async function stage () {
  const stack = new AsyncDisposableStack()
  const listener = stack.use(await Listener.start())
  const laboratory = stack.use(await Laboratory.start())
  const application = stack.use(await greeter())
  const [port, dead] = [await freePort(), await freePort()]
  const ports = [application.port, await freePort()].map((upstream, at) => ({ listen: { address: '127.0.0.1', port: at === 0 ? port : dead }, upstream: { address: '127.0.0.1', port: upstream } }))
  const proxy = { ...explicitProxy('victim', ports), accessLog: { socket: listener.socket } }
  laboratory.fleet.setProxies([proxy])
  const envoy = stack.use(await RealEnvoy.start({ podUid: 'victim', xds: onLoopback(laboratory.port), credentials: laboratory.credentials('victim') }))
  const settled = async (): Promise<void> => {
    await until(`Envoy takes it: ${JSON.stringify(laboratory.fleet.statuses())}\n${envoy.stderr}`, () => laboratory.fleet.statuses().find(({ podUid, state }) => podUid === 'victim' && state === 'in-sync'))
  }
  await settled()
  return { listener, laboratory, fleet: laboratory.fleet, application, envoy, port, dead, settled, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
