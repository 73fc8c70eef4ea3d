import { behindRedirect, denialOf, MeasuredServer } from '../fleet/measured-server.ts'
import { FleetIdentities, podUids, SimulatedFleet } from '../fleet/simulated-fleet.ts'
import type { Figure } from './figure.ts'
import { quantile } from './quantile.ts'

const FLEETS = [1_000, 3_000, 10_000]
/** Of a fleet so many do not read for a while. */
const FROZEN_SHARE = 0.1
/** In pairs, of a denial and its end: so many, or as many as this time allows. A proxy that does not answer for 40 s is taken for dead. */
const PUSHES = { pairs: 3, mostMs: 10_000 }
const BURST = { denials: 100, overMs: 1_000 }
const ATTACKER = '192.0.2.1'
const ATTACKER_AFTER = '192.0.2.2'

interface Measured {
  readonly proxies: number
  /** The first proxy that connects to the last that has its listeners. */
  readonly stormMs: number
  readonly kibPerProxy: number
  /** One denial to all, or its end, to the last answer. */
  readonly pushMs: number
  /** The last of the denials of a burst to the last answer. */
  readonly burstMs: number
  readonly pushesPerProxy: number
  /** One denial to all, beside proxies that do not read: to the last answer of those that do. */
  readonly pushBesideFrozenMs: number
  readonly heldBeforeBytes: number
  readonly heldWithFrozenBytes: number
  /** What each of those was sent from when they froze to when they had all that they should. */
  readonly pushesPerFrozen: number
  /** Changes in that time. */
  readonly changesMeanwhile: number
  /** Connections that the server ended, because it heard nothing for 40 s or because it had too much to do. */
  readonly cut: number
  readonly reconnectMs: number
  /** Resources that half the fleet was sent after it had reconnected. */
  readonly needless: number
}

async function measure (identities: FleetIdentities, proxies: number): Promise<Measured> {
  const uids = podUids(proxies)
  const [slow, quick] = [uids.slice(0, proxies * FROZEN_SHARE), uids.slice(proxies * FROZEN_SHARE)]
  await using server = await MeasuredServer.start(identities)
  await using fleet = new SimulatedFleet(identities, server.port)
  await using others = new SimulatedFleet(identities, server.port)
  const alone = await server.memory()
  await server.proxies(uids.map(behindRedirect))
  await fleet.add(quick)
  await others.add(slow)
  const stormMs = Math.max(...await Promise.all([fleet.connect(), others.connect()]))
  await server.settle()
  const { rssBytes, heldBytes: heldBeforeBytes } = await server.memory()
  const denial = [denialOf('deny', ATTACKER, uids)]
  const push = async (but: readonly string[]): Promise<readonly number[]> => {
    const took: number[] = []
    for (const startedMs = performance.now(); took.length < 2 * PUSHES.pairs && performance.now() - startedMs < PUSHES.mostMs;) {
      for (const mitigations of [denial, []]) took.push(await server.apply(mitigations, { but }))
    }
    return took
  }
  const pushes = await push([])

  const before = await fleet.count()
  const burstMs = await server.burst(BURST.denials, BURST.overMs)
  const pushesPerProxy = ((await fleet.count()).responses - before.responses) / quick.length
  await server.apply([])

  const unfrozen = await others.count()
  others.freeze()
  const pushesBesideFrozen = await push(slow)
  const { heldBytes: heldWithFrozenBytes } = await server.memory()
  others.thaw()
  await server.apply([denialOf('deny-another', ATTACKER_AFTER, uids)])
  const pushesPerFrozen = ((await others.count()).responses - unfrozen.responses) / slow.length

  const half = quick.slice(0, proxies / 2)
  await fleet.cut(half)
  const { resources } = await fleet.count()
  const reconnectMs = await fleet.connect()
  await server.settle()
  const after = await fleet.count()
  if (after.connected !== quick.length) throw new Error(`${after.connected} of ${quick.length} proxies are connected: the figures are of no use`)
  return {
    proxies,
    stormMs,
    kibPerProxy: (rssBytes - alone.rssBytes) / 1024 / proxies,
    pushMs: quantile(pushes, 0.5),
    burstMs,
    pushesPerProxy,
    pushBesideFrozenMs: quantile(pushesBesideFrozen, 0.5),
    changesMeanwhile: pushesBesideFrozen.length + 1,
    heldBeforeBytes,
    heldWithFrozenBytes,
    pushesPerFrozen,
    cut: after.cut + (await others.count()).cut,
    reconnectMs,
    needless: after.resources - resources,
  }
}

/** Fleets of simulated proxies before our xDS server: what it costs when a fleet is ten times as large, when all comes at once, and when some do not read. */
export async function xdsScaleFigures (): Promise<Figure[]> {
  const identities = new FleetIdentities()
  const figures: Figure[] = []
  let smallest: Measured | null = null
  for (const proxies of FLEETS) {
    const measured = await measure(identities, proxies)
    smallest ??= measured
    figures.push(...figuresOf(measured, smallest))
  }
  return figures
}

function figuresOf (measured: Measured, smallest: Measured): Figure[] {
  const { proxies, pushMs, pushBesideFrozenMs, pushesPerProxy, pushesPerFrozen, heldBeforeBytes, heldWithFrozenBytes, needless } = measured
  const figure = (name: string, value: number, unit: string, besideName: string, beside: number): Figure =>
    ({ name: `xds.scale_${name}_${proxies}`, value, unit, beside: { name: besideName, value: beside }, ratio: value / beside })
  /** Beside what it would be if the cost grew as the fleet does. */
  const grown = (name: string, of: (measured: Measured) => number): Figure =>
    figure(name, of(measured), 'ms', `as much a proxy as at ${smallest.proxies}`, of(smallest) * proxies / smallest.proxies)
  return [
    grown('storm_ms', ({ stormMs }) => stormMs),
    grown('push_ms', ({ pushMs }) => pushMs),
    grown('burst_ms', ({ burstMs }) => burstMs),
    grown('reconnect_half_ms', ({ reconnectMs }) => reconnectMs),
    figure('kib_per_proxy', measured.kibPerProxy, 'KiB', `at ${smallest.proxies}`, smallest.kibPerProxy),
    figure('pushes_per_proxy', pushesPerProxy, 'pushes', 'denials in one second', BURST.denials),
    figure('reconnect_needless', needless, 'resources', 'proxies that reconnect', proxies / 2),
    figure('cut', measured.cut, 'proxies', 'proxies', proxies),
    figure('push_beside_frozen_ms', pushBesideFrozenMs, 'ms', 'the same while all read', pushMs),
    figure('held_with_frozen_mib', heldWithFrozenBytes / 2 ** 20, 'MiB', 'held before', heldBeforeBytes / 2 ** 20),
    figure('pushes_per_frozen', pushesPerFrozen, 'pushes', 'changes meanwhile', measured.changesMeanwhile),
  ]
}
