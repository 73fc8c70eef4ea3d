import { setTimeout } from 'node:timers/promises'
import { behindRedirect, MeasuredServer } from '../fleet/measured-server.ts'
import { FleetIdentities, podUids, SimulatedFleet } from '../fleet/simulated-fleet.ts'
import { randomFrom } from '../lab/random.ts'
import { until } from '../xds/real-envoy.ts'
import type { ProxySpec } from '../../xds/proxy-spec.ts'
import { Churn } from './churn.ts'
import { Guarded } from './guarded.ts'

export interface SoakOptions {
  readonly seconds: number
  /** Simulated proxies, beside the real ones. */
  readonly proxies: number
  readonly envoys: number
  readonly seed: string
  readonly say: (line: string) => void
}

/** What was measured where nothing was in force and every proxy was in sync. */
export interface Calm {
  readonly atSeconds: number
  readonly rssBytes: number
  readonly heldBytes: number
  /** Of all real Envoys together. */
  readonly envoyBytes: number
}

export interface SoakReport {
  readonly turns: number
  readonly podsReplaced: number
  readonly streamsCut: number
  readonly mitigations: number
  readonly calms: readonly Calm[]
  /** Each thing that should not be: an orphaned restriction, a cut client, memory that grew. */
  readonly faults: readonly string[]
}

/** Stretches of churn, each followed by a calm; the first third warms up. */
const STRETCHES = 12
const PAUSE_MS = 100
const EXPIRES_IN_MS = 500
const MIB = 2 ** 20
/** What may lie between two calms without anything growing: a share, or so many bytes. V8 keeps pages that it has freed, some tens of MiB at a time. */
const TOLERANCE = { heldBytes: { share: 0.05, bytes: 4 * MIB }, envoyBytes: { share: 0.05, bytes: 4 * MIB }, rssBytes: { share: 0.2, bytes: 96 * MIB } }

/**
 * The xDS server in a process of its own, under real Envoys and simulated proxies, while pods come and go, restrictions come,
 * expire and are lifted, and streams break. At each calm, every restriction has ended by itself, and what the server and the proxies
 * have is compared with what a proxy has that was never restricted.
 */
export async function soak ({ seconds, proxies, envoys, seed, say }: SoakOptions): Promise<SoakReport> {
  const identities = new FleetIdentities()
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await MeasuredServer.start(identities))
  const guarded: Guarded[] = []
  for (let at = 0; at < envoys; at++) {
    const known = (spec: ProxySpec): Promise<void> => server.proxies([...guarded.map((one) => one.spec), spec])
    guarded.push(stack.use(await Guarded.start(`guarded-${at}`, { port: server.port, identities, known })))
  }
  const churn = new Churn(randomFrom(seed), podUids(proxies), guarded.map(({ uid }) => uid))
  const fleet = stack.use(new SimulatedFleet(identities, server.port))
  const tellProxies = (): Promise<void> => server.proxies([...guarded.map(({ spec }) => spec), ...churn.pods.map(behindRedirect)])
  await tellProxies()
  await fleet.add(churn.pods)
  await fleet.connect()
  await server.settle()

  const first = await Promise.all(guarded.map((one) => one.configuration()))
  const startedMs = performance.now()
  const calms: Calm[] = []
  const faults: string[] = []
  let [turns, podsReplaced, streamsCut] = [0, 0, 0]

  async function turn (): Promise<void> {
    const { gone, come, cut, mitigations } = churn.next(Date.now())
    await Promise.all([fleet.forget(gone), fleet.cut(cut), fleet.add(come)])
    await tellProxies()
    turns++
    podsReplaced += gone.length
    streamsCut += cut.length
    await Promise.all([server.apply([...mitigations, Guarded.denial(turns, guarded)]), fleet.connect()])
    await Promise.all(guarded.map((one) => one.verify(turns)))
    await setTimeout(PAUSE_MS)
  }

  /** Nobody lifts what is in force: it has to end by itself. */
  async function calm (): Promise<void> {
    await server.apply(churn.expiring(Date.now() + EXPIRES_IN_MS))
    const carriers = await until('every restriction ends by itself', async () => {
      const statuses = await server.statuses()
      return statuses.some(({ mitigations }) => mitigations.length > 0) ? undefined : statuses
    })
    await server.settle()
    if (carriers.length !== churn.pods.length + guarded.length) faults.push(`the server knows ${carriers.length} proxies of ${churn.pods.length + guarded.length}`)
    const alike = await fleet.holdings()
    // The processes share one set of resources for a pod that nothing restricts, so all that differs is left over.
    const usual = alike.reduce((most, holding) => holding.pods.length > most.pods.length ? holding : most)
    for (const { resources, pods } of alike) {
      const left = resources.filter((resource) => !usual.resources.includes(resource))
      if (left.length > 0 || resources.length !== usual.resources.length) faults.push(`${pods.slice(0, 3).join(', ')} and ${Math.max(0, pods.length - 3)} others have ${left.join(', ')}`)
    }
    const now = await Promise.all(guarded.map((one) => one.configuration()))
    now.forEach((configuration, at) => {
      if (configuration !== first[at]) faults.push(`guarded-${at}: its Envoy's configuration is not what it was: ${configuration.length} characters of ${first[at]?.length ?? 0}`)
    })
    const envoyBytes = (await Promise.all(guarded.map((one) => one.allocatedBytes()))).reduce((sum, bytes) => sum + bytes, 0)
    const { rssBytes, heldBytes } = await server.memory()
    calms.push({ atSeconds: (performance.now() - startedMs) / 1000, rssBytes, heldBytes, envoyBytes })
  }

  for (let stretch = 1; stretch <= STRETCHES; stretch++) {
    do await turn()
    while (performance.now() - startedMs < stretch * seconds * 1000 / STRETCHES)
    await calm()
    const { rssBytes, heldBytes, envoyBytes } = calms.at(-1) ?? { rssBytes: NaN, heldBytes: NaN, envoyBytes: NaN }
    say(`${stretch}/${STRETCHES}: ${turns} turns, ${podsReplaced} pods replaced, ${streamsCut} streams cut, ${churn.mitigationsMade - podsReplaced} mitigations; server ${mib(rssBytes)} resident, ${mib(heldBytes)} held; Envoys ${mib(envoyBytes)}; ${faults.length} faults`)
  }
  return { turns, podsReplaced, streamsCut, mitigations: churn.mitigationsMade - podsReplaced, calms, faults: [...faults, ...growth(calms)] }
}

const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`
const median = (values: readonly number[]): number => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN

/** The last third against the middle one. */
function growth (calms: readonly Calm[]): string[] {
  const third = Math.floor(calms.length / 3)
  return (['rssBytes', 'heldBytes', 'envoyBytes'] as const).flatMap((what) => {
    const [before, after] = [calms.slice(third, -third), calms.slice(-third)].map((part) => median(part.map((calm) => calm[what])))
    if (before === undefined || after === undefined) return []
    return after - before > Math.max(before * TOLERANCE[what].share, TOLERANCE[what].bytes) ? [`${what} grew from ${mib(before)} to ${mib(after)}`] : []
  })
}
