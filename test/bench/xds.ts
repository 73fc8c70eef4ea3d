import { join } from 'node:path'
import { toBinary } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { behindRedirect, denialOf, MeasuredServer } from '../fleet/measured-server.ts'
import { FleetIdentities, podUids, SimulatedFleet } from '../fleet/simulated-fleet.ts'
import { ToldProcess } from '../fleet/told-process.ts'
import { goProgram } from '../setup/go-program.ts'
import { Fleet } from '../../xds/fleet.ts'
import { CLUSTER, LISTENER } from '../../xds/resource-type.ts'
import { cpuMsOf } from './cpu-time.ts'
import type { Figure } from './figure.ts'
import { quantile } from './quantile.ts'

const ATTACKER = '192.0.2.1'
const WARM_UP = 10
/** Pushes that are measured. */
const PUSHES = 50
const GO_CONTROL_PLANE = 'go-control-plane, same snapshots and clients'
const BARE = 'bare grpc-js, same bytes and clients'

const figure = (name: string, unit: string, value: number, besideName: string, beside: number): Figure =>
  ({ name: `xds.${name}`, value, unit, beside: { name: besideName, value: beside }, ratio: value / beside })

/** A server under test. */
interface Served extends AsyncDisposable {
  readonly port: number
  readonly pid: number
  /** One mitigation to all proxies, or its end; milliseconds to the answer of the last. */
  readonly push: (restricted: boolean) => Promise<number>
  /** Resolves when so many proxies have answered since the last push. */
  readonly settle: (proxies: number) => Promise<unknown>
  readonly rssBytes: () => Promise<number>
}

/** A server with a fleet of proxies that it has never seen, and what was measured of it. */
class Contender implements AsyncDisposable {
  /** Each to the last proxy, milliseconds. */
  stormMs = NaN
  reconnectMs = NaN
  readonly pushesMs: number[] = []
  /** Processor time of the server over those. */
  cpuMs = 0
  /** Of memory that the server has more than before its proxies: when all are connected, and after the pushes. */
  kibPerProxy = NaN
  kibPerProxyPushed = NaN
  readonly #served: Served
  readonly #fleet: SimulatedFleet
  readonly #uids: readonly string[]
  #alone = NaN

  constructor (served: Served, identities: FleetIdentities, uids: readonly string[]) {
    this.#served = served
    this.#fleet = new SimulatedFleet(identities, served.port)
    this.#uids = uids
  }

  async storm (): Promise<void> {
    this.#alone = await this.#served.rssBytes()
    await this.#fleet.add(this.#uids)
    this.stormMs = await this.#fleet.connect()
    await this.#served.settle(this.#uids.length)
    this.kibPerProxy = await this.#kibEach()
  }

  async push (restricted: boolean): Promise<void> {
    const before = cpuMsOf(this.#served.pid)
    this.pushesMs.push(await this.#served.push(restricted))
    this.cpuMs += cpuMsOf(this.#served.pid) - before
  }

  forgetPushes (): void {
    this.pushesMs.length = 0
    this.cpuMs = 0
  }

  async reconnectHalf (): Promise<void> {
    this.kibPerProxyPushed = await this.#kibEach()
    await this.#fleet.cut(this.#uids.slice(0, this.#uids.length / 2))
    this.reconnectMs = await this.#fleet.connect()
    const { connected } = await this.#fleet.count()
    if (connected !== this.#uids.length) throw new Error(`${connected} of ${this.#uids.length} proxies are connected: the figures are of no use`)
  }

  async #kibEach (): Promise<number> {
    return (await this.#served.rssBytes() - this.#alone) / 1024 / this.#uids.length
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.#fleet[Symbol.asyncDispose]()
    await this.#served[Symbol.asyncDispose]()
  }
}

async function ours (identities: FleetIdentities, uids: readonly string[]): Promise<Served> {
  const server = await MeasuredServer.start(identities)
  await server.proxies(uids.map(behindRedirect))
  const denial = [denialOf('deny', ATTACKER, uids)]
  return {
    port: server.port,
    pid: server.process.pid,
    push: (restricted) => server.apply(restricted ? denial : []),
    settle: () => server.settle(),
    rssBytes: async () => (await server.memory()).rssBytes,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** What our server would send to one of these pods, as go-control-plane is told it. */
function snapshotOf (uid: string, restricted: boolean): { clusters: string[], listeners: string[] } {
  const { podUid, inbound } = behindRedirect(uid)
  const fleet = new Fleet({ clock: { now: Date.now }, defaultInbound: inbound })
  fleet.setProxies([{ podUid, inbound }])
  if (restricted) fleet.apply([denialOf('deny', ATTACKER, [uid])])
  const { types } = fleet.current(uid)
  const bodies = (type: string): string[] => [...types.get(type)?.resources.values() ?? []].map(({ body }) => Buffer.from(toBinary(AnySchema, body)).toString('base64'))
  return { clusters: bodies(CLUSTER), listeners: bodies(LISTENER) }
}

/** One that sends what it is told: go-control-plane, or gRPC alone. */
async function another (server: ToldProcess, identities: FleetIdentities, uids: readonly string[]): Promise<Served> {
  const [uid = ''] = uids
  const { port } = await server.tell<{ port: number }>({ do: 'start', credentials: identities.server(), proxies: uids.length, open: snapshotOf(uid, false), restricted: snapshotOf(uid, true) })
  return {
    port,
    pid: server.pid,
    push: async (restricted) => (await server.tell<{ ms: number }>({ do: restricted ? 'restrict' : 'lift' })).ms,
    settle: (proxies) => server.tell({ do: 'settle', proxies }),
    rssBytes: async () => (await server.tell<{ rssBytes: number }>({ do: 'memory' })).rssBytes,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** The xDS server on one core under a simulated fleet, beside go-control-plane and beside gRPC alone under the same; they take turns. */
export async function xdsFigures (): Promise<Figure[]> {
  const program = await goProgram(join(import.meta.dirname, 'go-control-plane'))
  const identities = new FleetIdentities()
  const figures: Figure[] = []
  for (const count of [1000, 3000]) {
    const uids = podUids(count)
    await using stack = new AsyncDisposableStack()
    const compete = (served: Served): Contender => stack.use(new Contender(served, identities, uids))
    const own = compete(await ours(identities, uids))
    const go = compete(await another(new ToldProcess('server', ['env', 'GOMAXPROCS=1', program]), identities, uids))
    const bare = compete(await another(ToldProcess.node('server', 'bare-process.ts', ['--expose-gc']), identities, uids))
    const all = [own, go, bare]
    for (const contender of all) await contender.storm()
    for (let turn = 0; turn < WARM_UP + PUSHES; turn++) {
      if (turn === WARM_UP) for (const contender of all) contender.forgetPushes()
      for (const contender of all) await contender.push(turn % 2 === 0)
    }
    for (const contender of all) await contender.reconnectHalf()
    const beside = (name: string, unit: string, of: (contender: Contender) => number): Figure[] =>
      [figure(name, unit, of(own), GO_CONTROL_PLANE, of(go)), figure(name, unit, of(own), BARE, of(bare))]
    figures.push(
      ...beside(`push_${count}_p50_ms`, 'ms', ({ pushesMs }) => quantile(pushesMs, 0.5)),
      ...beside(`push_${count}_p99_ms`, 'ms', ({ pushesMs }) => quantile(pushesMs, 0.99)),
      ...beside(`push_${count}_cpu_ms`, 'ms', ({ cpuMs }) => cpuMs / PUSHES),
      ...beside(`storm_${count}_ms`, 'ms', ({ stormMs }) => stormMs),
      ...beside(`reconnect_half_${count}_ms`, 'ms', ({ reconnectMs }) => reconnectMs)
    )
    if (count === 3000) figures.push(...beside('kib_per_proxy', 'KiB', ({ kibPerProxy }) => kibPerProxy), ...beside('kib_per_proxy_pushed', 'KiB', ({ kibPerProxyPushed }) => kibPerProxyPushed))
  }
  return figures
}
