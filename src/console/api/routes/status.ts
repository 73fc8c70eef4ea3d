import { Type } from 'typebox'
import type { Pod } from '../../../core/pod.ts'
import type { Api, ApiContext } from '../context.ts'
import { answers, ref } from '../components.ts'
import { PageQuery, pageOf, paginate, SCAN_LIMIT } from '../paging.ts'
import { Pod as PodView, Status, Traffic } from '../views.ts'

const countWhere = <T>(items: readonly T[], is: (item: T) => boolean): number => items.reduce((sum, item) => sum + (is(item) ? 1 : 0), 0)

function statusOf ({ loop, clock, version, startedAt }: ApiContext): Status {
  const detections = loop.store.detections.list({ limit: SCAN_LIMIT })
  const active = loop.store.mitigations.list({ limit: SCAN_LIMIT }).filter(({ status }) => status.phase === 'active')
  const pods = loop.pods.list()
  const proxies = loop.proxies.statuses()
  const { ready, reasons } = loop.ready()
  return {
    version,
    startedAt,
    now: new Date(clock.now()).toISOString(),
    ready,
    reasons: [...reasons],
    detections: {
      suspected: countWhere(detections, ({ phase }) => phase === 'suspected'),
      open: countWhere(detections, ({ phase }) => phase === 'open'),
      closed: countWhere(detections, ({ phase }) => phase === 'closed'),
    },
    mitigations: { active: active.length, simulated: countWhere(active, ({ status }) => status.simulated) },
    pods: {
      known: pods.length,
      observed: countWhere(pods, ({ observed }) => observed === true),
      unobserved: countWhere(pods, ({ observed }) => observed === false),
    },
    proxies: {
      connected: countWhere(proxies, ({ connected }) => connected),
      rejected: countWhere(proxies, ({ state }) => state === 'rejected'),
    },
    stats: loop.traffic()?.stats ?? null,
    models: loop.models(),
  }
}

const podView = (pod: Pod) => ({
  uid: pod.uid,
  namespace: pod.namespace,
  name: pod.name,
  addresses: [...pod.addresses],
  labels: { ...pod.labels },
  node: pod.node,
  observed: pod.observed ?? null,
})

export function statusRoutes (app: Api, context: ApiContext): void {
  const { loop } = context
  app.get('/status', {
    schema: { tags: ['status'], summary: 'What is going on, in numbers', response: answers(ref(Status)) },
  }, () => statusOf(context))

  app.get('/traffic', {
    schema: {
      tags: ['status'],
      summary: 'The newest picture of the traffic between pods; null before any came',
      response: answers(Type.Union([ref(Traffic), Type.Null()])),
    },
  }, () => {
    const traffic = loop.traffic()
    return traffic === null ? null : { atMs: traffic.atMs, edges: [...traffic.edges], stats: traffic.stats }
  })

  app.get('/pods', {
    schema: {
      tags: ['status'],
      summary: 'Pods, ordered by namespace and name',
      querystring: Type.Object({ ...PageQuery, namespace: Type.Optional(Type.String({ maxLength: 253 })) }, { additionalProperties: false }),
      response: answers(pageOf(ref(PodView)), 404),
    },
  }, ({ query }) => {
    const pods = loop.pods.list()
      .filter(({ namespace }) => query.namespace === undefined || namespace === query.namespace)
      .toSorted((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name) || compare(a.uid, b.uid))
    return paginate(pods.map(podView), ({ uid }) => uid, query)
  })
}

const compare = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0
