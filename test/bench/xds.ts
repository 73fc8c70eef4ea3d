import { join } from 'node:path'
import { toBinary } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { behindRedirect, denialOf, MeasuredServer } from '../fleet/measured-server.ts'
import { FleetIdentities, podUids, SimulatedFleet } from '../fleet/simulated-fleet.ts'
import { ToldProcess } from '../fleet/told-process.ts'
import { goProgram } from '../setup/go-program.ts'
import { Fleet } from '../../xds/fleet.ts'
import { CLUSTER, LISTENER } from '../../xds/resource-type.ts'
import type { Figure } from './figure.ts'
import { quantile } from './quantile.ts'

const ATTACKER = '192.0.2.1'
/** Pushes that are measured; the first of them warm up. */
const PUSHES = 60
const WARM_UP = 10
const GO_CONTROL_PLANE = 'go-control-plane, same snapshots and clients'

const figure = (name: string, unit: string, value: number, besideName: string, beside: number): Figure =>
  ({ name: `xds.${name}`, value, unit, beside: { name: besideName, value: beside }, ratio: value / beside })

/** A server under test with proxies that it has never seen. */
interface Served {
  readonly port: number
  /** One mitigation to all proxies, or its end; milliseconds to the answer of the last. */
  readonly push: (restricted: boolean) => Promise<number>
  /** Resolves when so many proxies have answered since the last push. */
  readonly settle: (proxies: number) => Promise<unknown>
  readonly rssBytes: () => Promise<number>
}

interface Measured {
  readonly storm: number
  readonly reconnect: number
  readonly pushes: readonly number[]
  readonly kibPerProxy: number
}

async function measure (served: Served, identities: FleetIdentities, uids: readonly string[]): Promise<Measured> {
  const alone = await served.rssBytes()
  await using fleet = new SimulatedFleet(identities, served.port)
  await fleet.add(uids)
  const storm = await fleet.connect()
  await served.settle(uids.length)
  const kibPerProxy = (await served.rssBytes() - alone) / 1024 / uids.length
  const pushes: number[] = []
  for (let turn = 0; turn < WARM_UP + PUSHES; turn++) pushes.push(await served.push(turn % 2 === 0))
  const half = uids.slice(0, uids.length / 2)
  await fleet.cut(half)
  const reconnect = await fleet.connect()
  const { connected } = await fleet.count()
  if (connected !== uids.length) throw new Error(`${connected} of ${uids.length} proxies are connected: the figures are of no use`)
  return { storm, reconnect, pushes: pushes.slice(WARM_UP), kibPerProxy }
}

async function ours (identities: FleetIdentities, uids: readonly string[]): Promise<Measured> {
  await using server = await MeasuredServer.start(identities)
  await server.proxies(uids.map(behindRedirect))
  const denial = [denialOf('deny', ATTACKER, uids)]
  return await measure({
    port: server.port,
    push: (restricted) => server.apply(restricted ? denial : []),
    settle: () => server.settle(),
    rssBytes: async () => (await server.memory()).rssBytes,
  }, identities, uids)
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

async function goControlPlane (program: string, identities: FleetIdentities, uids: readonly string[]): Promise<Measured> {
  const [uid = ''] = uids
  await using server = new ToldProcess('server', ['env', 'GOMAXPROCS=1', program])
  const { port } = await server.tell<{ port: number }>({ do: 'start', credentials: identities.server(), proxies: uids.length, open: snapshotOf(uid, false), restricted: snapshotOf(uid, true) })
  return await measure({
    port,
    push: async (restricted) => (await server.tell<{ ms: number }>({ do: restricted ? 'restrict' : 'lift' })).ms,
    settle: (proxies) => server.tell({ do: 'settle', proxies }),
    rssBytes: async () => (await server.tell<{ rssBytes: number }>({ do: 'memory' })).rssBytes,
  }, identities, uids)
}

/** The xDS server on one core under a simulated fleet, beside go-control-plane under the same. */
export async function xdsFigures (): Promise<Figure[]> {
  const program = await goProgram(join(import.meta.dirname, 'go-control-plane'))
  const identities = new FleetIdentities()
  const figures: Figure[] = []
  for (const count of [1000, 3000]) {
    const uids = podUids(count)
    const own = await ours(identities, uids)
    const other = await goControlPlane(program, identities, uids)
    const beside = (name: string, unit: string, of: (measured: Measured) => number): Figure => figure(name, unit, of(own), GO_CONTROL_PLANE, of(other))
    figures.push(
      beside(`push_${count}_p50_ms`, 'ms', ({ pushes }) => quantile(pushes, 0.5)),
      beside(`push_${count}_p99_ms`, 'ms', ({ pushes }) => quantile(pushes, 0.99)),
      beside(`storm_${count}_ms`, 'ms', ({ storm }) => storm),
      beside(`reconnect_half_${count}_ms`, 'ms', ({ reconnect }) => reconnect)
    )
    if (count === 3000) figures.push(beside('kib_per_proxy', 'KiB', ({ kibPerProxy }) => kibPerProxy))
  }
  return figures
}
