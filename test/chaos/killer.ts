import { setTimeout as delay } from 'node:timers/promises'
import { join } from 'node:path'
import type { Random } from '../lab/random.ts'
import { killProgram } from '../real/cluster/kill-program.ts'
import { written } from './api-log.ts'
import { type Cast, LEASE_SECONDS } from './cast.ts'
import { AIMS, type Aim, type Kill, type Target } from './diary.ts'
import type { Downtimes } from './downtimes.ts'
import type { Ground } from './ground.ts'
import type { LeaseWatch } from './lease-watch.ts'
import { AGAIN_MS, type Member } from './member.ts'

/** How often each is chosen. Of the API server and etcd everything else hangs, and they take longest to be back. */
const WEIGHTS: Readonly<Record<Target, number>> = { leader: 26, follower: 12, 'api-server': 7, etcd: 6, proxy: 14, keeper: 8, observer: 10, detector: 9, xds: 8 }
const HAT = (Object.keys(WEIGHTS) as Target[]).flatMap((target) => Array.from({ length: WEIGHTS[target] }, () => target))
/** An aim that nothing meets in this time is shot at all the same. */
const AIM_MS = 5_000
/** A leader that is killed before it works again shows little. */
const LEADS_WITHIN_MS = 30_000

/** So long a controller stays away whose machine is gone: until long after another has its lease. */
const GONE_MS = 2 * LEASE_SECONDS * 1_000 + AGAIN_MS

/** One kill as it is drawn beforehand: the same seed draws the same ones. */
export interface Shot {
  readonly target: Target
  readonly aim: Aim
  /** Since the one before. */
  readonly afterMs: number
  /** From the moment that was aimed at. */
  readonly lateMs: number
  /** How long a controller, the API server or etcd stays away. */
  readonly awayMs: number
  /** Which of several. */
  readonly which: number
}

export function draw (random: Random, count: number): readonly Shot[] {
  return Array.from({ length: count }, () => {
    const target = random.pick(HAT)
    const aim = target === 'leader' || random.chance(0.3) ? random.pick(AIMS) : 'any'
    const isController = target === 'leader' || target === 'follower'
    const awayMs = isController ? random.pick([AGAIN_MS, GONE_MS, GONE_MS]) : random.integer(100, 3_000)
    return { target, aim, afterMs: random.integer(100, 2_500), lateMs: random.chance(0.5) ? 0 : random.integer(0, 40), awayMs, which: random.integer(0, 1_000) }
  })
}

export interface Gallery {
  readonly ground: Ground
  readonly cast: Cast
  readonly downtimes: Downtimes
  readonly lease: Pick<LeaseWatch, 'lead'>
}

const nth = <T>(list: readonly T[], which: number): T => {
  const found = list[which % list.length]
  if (found === undefined) throw new RangeError('nothing to kill: the list is empty')
  return found
}

/** Who leads and works, with the other one in step where that is wanted; undefined where nobody has come to that in time. */
async function leading ({ cast, lease }: Gallery, other: 'any' | 'in-step' = 'any'): Promise<Cast['controllers'][number] | undefined> {
  const endMs = Date.now() + LEADS_WITHIN_MS
  while (Date.now() < endMs) {
    const { holder, inStep } = lease.lead
    const found = cast.controllers.find(({ pod, member: { state, running } }) => state === 'runs' && pod.name === holder && running.stdout.includes('the controller runs'))
    if (found !== undefined && (other === 'any' || inStep.length === cast.controllers.length)) return found
    await delay(50)
  }
  return undefined
}

/** Waits for the moment and kills. Resolves to what was killed; null where there is nothing of the kind at this moment. */
export async function shoot ({ target, aim, afterMs, lateMs, awayMs, which }: Shot, gallery: Gallery): Promise<Kill | null> {
  const { ground: { cluster }, cast, downtimes } = gallery
  await delay(afterMs)
  const isGone = target === 'leader' && awayMs > AGAIN_MS // so that the other one takes over
  const led = target === 'leader' || target === 'follower' || aim !== 'any' ? await leading(gallery, isGone ? 'in-step' : 'any') : undefined
  if (aim !== 'any' && led !== undefined) await written(aim, { log: cluster.auditLog, head: join(led.data, 'audit.head') }, AbortSignal.timeout(AIM_MS))
  await delay(lateMs)
  const killed = (name: string): Kill => ({ target, name, aim, atMs: Date.now() })
  const end = async (member: Member, away = AGAIN_MS): Promise<Kill | null> => {
    if (member.state === 'away') return null
    await member.kill(away)
    return killed(member.name) // from now on nothing more comes of it
  }
  switch (target) {
    case 'leader': return led === undefined ? null : end(led.member, awayMs)
    case 'follower': return led === undefined ? null : end(nth(cast.controllers.filter((each) => each !== led), 0).member, awayMs)
    case 'observer': return end(nth(cast.observers, which))
    case 'detector': return end(cast.detector)
    case 'xds': return end(cast.xds)
    case 'keeper': {
      const { victim, member } = nth(cast.keepers, which)
      downtimes.begin(victim.name)
      return end(member)
    }
    case 'proxy': {
      const { victim, envoys } = nth(cast.keepers, which)
      const [pid] = envoys()
      if (pid === undefined) return null
      downtimes.begin(victim.name)
      process.kill(pid, 'SIGKILL')
      return killed(`Envoy of ${victim.name}`)
    }
    case 'api-server':
    case 'etcd': {
      const name = target === 'etcd' ? 'etcd' : 'kube-apiserver'
      const kill = killed(name)
      const restart = await killProgram(cluster, name).catch(() => null) // it is away already
      if (restart === null) return null
      delay(awayMs).then(restart, () => undefined)
      return kill
    }
  }
}
