import { randomBytes, randomInt } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { openLive } from '../../sidecar/capture/live-capture.ts'
import { AccessLog, NO_LOG } from '../../sidecar/als/access-log.ts'
import { HealthServer } from '../../sidecar/health/health-server.ts'
import { Observer, type ObserverEvent } from '../../sidecar/observer.ts'
import { OwnConversations, type Resolve } from '../../sidecar/own-conversations.ts'
import { withoutOwn } from '../../sidecar/own-traffic.ts'
import { PacketSource } from '../../sidecar/packet-source.ts'
import { SockdiagSource } from '../../sidecar/sockdiag/sockdiag-source.ts'
import type { SocketReport } from '../../sidecar/sockdiag/socket-report.ts'
import { Uplink } from '../../sidecar/uplink/uplink.ts'
import type { WindowSource } from '../../sidecar/window-source.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { AutoshieldError } from '../core/errors.ts'
import { addressText, parseAddress } from '../core/flow/address.ts'
import { PROXY_PORTS } from '../core/injection/names.ts'
import type { Identity } from '../core/identity.ts'
import type { CredentialSource } from '../ports/identity.ts'
import type { CliContext } from './context.ts'
import { split } from './host-port.ts'
import { Parts } from './parts.ts'
import { describe } from './run-observer.ts'
import { sparingly } from './sparingly.ts'

export type ObserverSource = 'sockdiag' | 'als' | 'packet'

export interface ClusterObserverRun {
  /** Wanted; where it cannot watch, `sockdiag` stands in. */
  readonly source: ObserverSource
  /** Where the pod's Envoy tells its access log, whatever the source; null: it tells none. */
  readonly alsSocket: string | null
  /** The pod's own, as in its status.podIPs. */
  readonly addresses: readonly string[]
  /** `HOST:PORT` of the detector and of who issues certificates: what is said to them is not watched. */
  readonly detector: string
  readonly issuer: string
  /** Where the pod's proxy gets its configuration; null where it has none. Not watched either. */
  readonly xds: string | null
  /** Who the detector must be. */
  readonly server: Identity
  /** `IP:PORT`; null for none. */
  readonly health: string | null
  /** In place of the system's. */
  readonly resolve?: Resolve
  readonly credentials: CredentialSource & { readonly run: (signal: AbortSignal) => Promise<void> }
}

/** A pod must end soon after its last container: what the detector has not taken by then is lost. */
const DRAIN_MS = 2_000
/** A pod's own traffic needs less than a whole recording's; a scan of every port of ten hosts is in it. */
const TABLES = { maxFlows: 32_768, maxKeys: 8_192 } as const
/** An idle pod's windows for a day without a detector, and a busy one's for minutes. */
const MAX_WAITING_WINDOWS = 16_384

/** An observer in a pod of a cluster, until it is told to end: whatever is away, refused or taken, it goes on. */
export async function runClusterObserver (run: ClusterObserverRun, context: CliContext): Promise<void> {
  const say = (text: string): void => { context.stderr.write(`autoshield observer: ${text}\n`) }
  const { health } = run
  const own = new OwnConversations({
    called: [run.detector, run.issuer, ...run.xds === null ? [] : [run.xds]].map(split),
    listens: health === null ? [] : run.addresses.map((address) => ({ address, port: split(health).port })),
    ...(run.resolve === undefined ? {} : { resolve: run.resolve }),
  })
  const uplink = new Uplink({
    detector: run.detector,
    server: run.server,
    credentials: run.credentials,
    reporter: { identity: null, source: run.source, version: context.version, ownAddresses: run.addresses, simulated: false },
    bootId: randomBytes(16),
    clock: systemClock,
    random: Math.random,
    maxWindows: MAX_WAITING_WINDOWS,
    drainMs: DRAIN_MS,
    onEvent: sparingly((event) => say(describe(event, run.detector)), ({ type }) => type),
  })
  let trouble: string | null = null
  const log = run.alsSocket === null ? null : new AccessLog({ socket: run.alsSocket, ownAddresses: run.addresses, uplink, onRefused: ({ message }) => say(`${message} It is tried again.`) })
  const observer = new Observer({
    sources: sourcesOf(run, own, log),
    uplink,
    persistence: { random: Math.random },
    onEvent: (event) => {
      if (event.type === 'refused' && event.source === run.source) trouble = event.error.message
      if (event.type === 'watching' && event.source === run.source) trouble = null
      say(told(event))
      if (event.type === 'watching') context.tellParent?.({ ready: true })
    },
  })
  const report = () => {
    const { watching, windows, counts: { packets, flows, dropped } } = observer.state
    return { watching, trouble, ...uplink.state, packets, flows, windows, droppedPackets: dropped, droppedWindows: uplink.dropped, ...log?.state ?? NO_LOG }
  }
  await using parts = new Parts()
  parts.start((signal) => run.credentials.run(signal))
  parts.start((signal) => own.follow(signal))
  if (log !== null) parts.start((signal) => log.run(signal))
  if (health !== null) {
    const dropped = sparingly(() => say('too many connections to the health port: the address with most of them loses its oldest'), () => 'dropped')
    const server = new HealthServer({
      ...split(health),
      report,
      nowMs: systemClock.now,
      onListening: (port) => say(`health and metrics on port ${port}`),
      onRefused: ({ message }) => say(`health and metrics are not served (${message}); it is tried again, and the pod is watched all the same`),
      onDropped: () => dropped(undefined),
    })
    parts.start((signal) => server.run(signal))
  }
  await parts.orFailure(observer.run(context.signal))
}

function sourcesOf ({ source, addresses }: ClusterObserverRun, own: OwnConversations, log: AccessLog | null): [WindowSource, ...WindowSource[]] {
  const seed = randomInt(2 ** 31)
  // Of a connection to the pod through its proxy the application's end tells the same, and the port that was meant.
  const isProxysEnd = ({ local }: SocketReport): boolean => log !== null && local.port === PROXY_PORTS.transparent
  const sockdiag = new SockdiagSource({ ownAddresses: addresses, clock: systemClock, seed, ignores: (socket) => own.isOwn(socket) || isProxysEnd(socket), outboundPort: log === null ? null : PROXY_PORTS.outbound })
  if (source === 'sockdiag') return [sockdiag]
  if (source === 'als') return log === null ? [sockdiag] : [log.source({ clock: systemClock, seed, ignores: (connection) => own.isOwn(connection) }), sockdiag]
  const open = async (signal: AbortSignal) => {
    const { traffic, outdated } = await own.now()
    const interfaceName = interfaceOf(addresses)
    const filter = [interfaceName === 'any' ? WITHOUT_LOOPBACK : [], withoutOwn(traffic) ?? []].flat().map((part) => `(${part})`).join(' and ')
    return { ...openLive({ interfaceName, signal, ...(filter === '' ? {} : { filter }) }), outdated }
  }
  return [new PacketSource({ open, ownAddresses: addresses, clock: systemClock, seed, ...TABLES }), sockdiag]
}

/** Between a proxy and its application its client's address shows again. Loopback is the first interface of every network namespace. */
const WITHOUT_LOOPBACK = 'not ifindex 1'

/** The interface that carries the pod's addresses; 'any' where several do. Throws UNAVAILABLE where none does. */
function interfaceOf (addresses: readonly string[]): string {
  const canonical = (text: string): string => {
    const words = parseAddress(text.replace(/%.*$/, ''))
    return words === null ? text : addressText(words, 0)
  }
  const wanted = new Set(addresses.map(canonical))
  const names = Object.entries(networkInterfaces()).filter(([, carried = []]) => carried.some(({ address }) => wanted.has(canonical(address)))).map(([name]) => name)
  const [name] = names
  if (name === undefined) throw new AutoshieldError('UNAVAILABLE', `no interface of the pod carries ${addresses.join(' or ')}; check --address.`)
  return names.length > 1 ? 'any' : name
}

function told (event: ObserverEvent): string {
  switch (event.type) {
    case 'watching': return `the source ${event.source} sees the traffic`
    case 'refused': return event.next === null
      ? `the source ${event.source} does not watch: ${event.error.message} It is tried again in ${Math.ceil(event.retryMs / 1_000)} s.`
      : `the source ${event.source} does not watch: ${event.error.message} The source ${event.next} stands in.`
  }
}
