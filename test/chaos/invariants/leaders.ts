import { isRecord } from '../../../src/core/kubernetes/read-object.ts'
import type { ApiWrite, Diary } from '../diary.ts'
import { leadersTrail } from './trail.ts'

/** One stretch in which one replica held the lease; `fromMs` is when it asked for it, `untilMs` when another had it. */
export interface Reign {
  /** Its pod; empty where the lease was laid down. */
  readonly pod: string
  readonly term: number
  readonly fromMs: number
  readonly untilMs: number
}

export function reignsOf ({ writes }: Pick<Diary, 'writes'>): readonly Reign[] {
  const reigns: Reign[] = []
  for (const { receivedMs, answeredMs, object } of writes.filter(({ resource }) => resource === 'leases')) {
    const spec = isRecord(object['spec']) ? object['spec'] : {}
    const holder = typeof spec['holderIdentity'] === 'string' ? spec['holderIdentity'] : ''
    const [pod, term] = [holder.split('_')[0] ?? '', Number(spec['leaseTransitions'] ?? 0)]
    const last = reigns.at(-1)
    if (last?.pod === pod && last.term === term) continue
    if (last !== undefined) reigns[reigns.length - 1] = { ...last, untilMs: answeredMs }
    reigns.push({ pod, term, fromMs: receivedMs, untilMs: Infinity })
  }
  return reigns
}

const ACTS = ['mitigations', 'networkpolicies']

/** Who acts holds the lease, and a term has one leader. */
export function usurped (diary: Pick<Diary, 'writes' | 'trails'>): readonly string[] {
  const reigns = reignsOf(diary)
  const led = ({ pod, receivedMs, answeredMs }: ApiWrite): boolean => reigns.some((reign) => reign.pod === pod && reign.fromMs <= answeredMs && reign.untilMs >= receivedMs)
  const acts = diary.writes.filter((write) => ACTS.includes(write.resource) && !led(write))
    .map(({ pod, verb, resource, name, receivedMs }) => `${pod} wrote ${verb} ${resource}/${name} at ${new Date(receivedMs).toISOString()} without the lease`)
  const taken = leadersTrail(diary).filter(({ action }) => action === 'leadership.taken').map(({ object, detail, sequence }) => ({ object, sequence, term: Number(detail['term']) }))
  const terms = [...Map.groupBy(taken, ({ term }) => term)].flatMap(([term, all]) => {
    const replicas = [...new Set(all.map(({ object }) => object))]
    return replicas.length > 1 ? [`term ${term} was led by ${replicas.join(' and ')}`] : []
  })
  const back = taken.slice(1).flatMap(({ term, sequence }, at) => term < (taken[at]?.term ?? 0) ? [`term ${term} (entry ${sequence}) came after term ${taken[at]?.term ?? 0}`] : [])
  return [...acts, ...terms, ...back]
}
