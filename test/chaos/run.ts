import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { readAuditTrail } from '../../src/adapters/store/audit-trail.ts'
import { verifyAudit } from '../../src/adapters/store/verify-audit.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../src/ports/kubernetes.ts'
import { randomFrom } from '../lab/random.ts'
import { readWrites } from './api-log.ts'
import { attacking } from './attacks.ts'
import { type Cast, leaderOf, startCast } from './cast.ts'
import { BUDGETS, OWN } from './cluster-objects.ts'
import type { Diary, Judged, Kill, Order, Probe, Rest } from './diary.ts'
import { Downtimes } from './downtimes.ts'
import { ATTACKERS, FRIEND, layGround, PLAIN, pointService, VICTIMS } from './ground.ts'
import { draw, shoot } from './killer.ts'
import { LeaseWatch } from './lease-watch.ts'
import { allRuns, rest, settled } from './rest.ts'
import { speaking } from './spoken.ts'
import { judge, leadOf, PORT, repeatedly } from './watching.ts'

export interface ChaosOptions {
  readonly kills: number
  readonly seed: string
  /** Kills between two rests. */
  readonly between: number
  readonly say: (line: string) => void
  /** Gets all that a process of the product has said. */
  readonly log?: (name: string, text: string) => void
}

/** The whole run. What it starts has ended when it resolves or rejects. */
export async function chaos ({ kills: count, seed, between, say, log = () => undefined }: ChaosOptions): Promise<Diary> {
  const ends: (() => Promise<unknown>)[] = []
  const stop = new AbortController()
  try {
    const ground = await layGround((end) => ends.push(end), say)
    const { lab, cluster } = ground
    const random = randomFrom(seed)
    const [probes, orders, judged, rests, kills] = [[] as Probe[], [] as Order[], [] as Judged[], [] as Rest[], [] as Kill[]]
    for (const { name } of [...VICTIMS, PLAIN]) watch(ends, speaking(lab.pod(name), 'traffic-process.ts', { serve: PORT, probe: [], everyMs: 0 }, () => undefined))
    const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
    ends.push(async () => api[Symbol.dispose]())
    let pointedAt = ''
    const watching = [repeatedly(300, stop.signal, async () => {
      const found = leaderOf(await labelled(api))
      if (found === undefined || found.name === pointedAt) return
      await pointService(lab, found)
      pointedAt = found.name
    })]
    ends.push(async () => {
      stop.abort()
      await Promise.all(watching)
    })
    const cast = await startCast(ground, (end) => ends.push(end), log)
    say('everything runs')
    for (const [{ name }, everyMs] of [...ATTACKERS.map((each) => [each, 1_000] as const), [FRIEND, 250] as const]) {
      const probe = (name === FRIEND.name ? [...VICTIMS, PLAIN] : VICTIMS).map((victim) => ({ victim: victim.name, address: victim.address, port: PORT }))
      watch(ends, speaking(lab.pod(name), 'traffic-process.ts', { serve: null, probe, everyMs }, (line) => probes.push({ source: name, ...JSON.parse(line) as Omit<Probe, 'source'> })))
    }
    const ordering = speaking(lab.gateway, 'orders-process.ts', { apis: cast.controllers.map(({ api }) => api), everyMs: 2_500 }, (line) => orders.push(JSON.parse(line) as Order))
    watch(ends, ordering)

    const downtimes = new Downtimes(cast.keepers)
    const lease = new LeaseWatch(api)
    watching.push(
      repeatedly(50, stop.signal, async () => downtimes.look()),
      repeatedly(200, stop.signal, async () => lease.look()),
      repeatedly(2_000, stop.signal, async () => judged.push(...await judge(api)))
    )

    const seen = { api, ground, cast, downtimes, probes }
    if (!await settled(async () => allRuns(seen))) say('not everything is in step')
    const startedMs = Date.now()
    const shots = [...draw(random.fork('kills'), count * 2)] // some meet nothing
    for (let lap = 0; kills.length < count; lap++) {
      const attack = new AbortController()
      const attacks = attacking(lab, random.fork(`attacks ${lap}`), attack.signal)
      const until = Math.min(count, kills.length + between)
      while (kills.length < until) {
        const shot = shots.shift() ?? draw(random, 1)[0]
        const kill = shot === undefined ? null : await shoot(shot, { ground, cast, downtimes, lease })
        if (kill === null) continue
        kills.push(kill)
        say(`${kills.length} of ${count}: ${kill.name} (${kill.target}${kill.aim === 'any' ? '' : `, right after ${kill.aim}`})`)
      }
      attack.abort()
      await attacks
      rests.push(await rest(seen, say))
      say(`rest: ${probes.length} connections, ${orders.length} orders`)
    }
    const endedMs = Date.now()
    await ordering[Symbol.asyncDispose]() // what is asked for between two looks would be in one of them alone
    const trails = trailsOf(cast, (await leadOf(api)).holder)
    const exceptions = (await api.list(RESOURCES.exceptions, { namespace: OWN })).map(({ metadata }) => metadata.name)
    for (const line of cast.members.flatMap(({ ends }) => ends)) say(`by itself: ${line.replaceAll('\n', ' | ')}`)
    return {
      seed,
      startedMs,
      endedMs,
      kills,
      innocent: [FRIEND.name],
      plain: PLAIN.name,
      uids: ground.uids,
      probes: probes.filter(({ fromMs }) => fromMs >= startedMs),
      downtimes: downtimes.all(),
      apiAway: lease.away(),
      writes: readWrites(cluster.auditLog),
      orders: orders.slice(),
      rests,
      judged,
      exceptions,
      trails,
      budgets: BUDGETS,
    }
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

const watch = (ends: (() => Promise<unknown>)[], what: AsyncDisposable): void => { ends.push(async () => what[Symbol.asyncDispose]()) }

async function labelled (api: KubernetesApi): Promise<string> {
  const pods = await api.list(RESOURCES.pods, { namespace: OWN, labelSelector: 'autoshield.dev/leader' })
  return pods.map(({ metadata }) => `pod/${metadata.name}`).join('\n')
}

const EVERYTHING = 1_000_000

/** The leader's is read last: it has whatever a follower has. */
function trailsOf ({ controllers }: Cast, leader: string | null): Diary['trails'] {
  return controllers.toSorted((one, other) => Number(one.pod.name === leader) - Number(other.pod.name === leader)).map(({ pod: { name }, data }) => {
    const verdict = verifyAudit(data)
    using trail = readAuditTrail(data)
    return { replica: name, leads: name === leader, entries: trail.search({ limit: EVERYTHING }).toReversed(), fault: verdict.ok ? null : `entry ${verdict.sequence}: ${verdict.what}` }
  })
}
