import type { PodCoverage } from '../../core/coverage/judge-pod.ts'
import { mayBegin, readWorkload, RESTARTED_KINDS, share, type RestartedKind, type Workload } from '../../core/coverage/rollout.ts'
import { AutoshieldError } from '../../core/errors.ts'
import { apiVersionOf, RESOURCES, type Resource } from '../../core/kubernetes/resource.ts'
import type { Clock } from '../../ports/clock.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'

/** Annotation on a pod template whose change makes the workload's controller replace its pods. */
const RESTARTED_AT = 'autoshield.dev/restarted-at'
const FIELD_MANAGER = 'autoshield-restart'
const BEAT_MS = 1_000

const KINDS: Readonly<Record<RestartedKind, Resource>> = {
  Deployment: RESOURCES.deployments,
  StatefulSet: RESOURCES.statefulSets,
  DaemonSet: RESOURCES.daemonSets,
}

export interface RestartOptions {
  readonly api: KubernetesApi
  readonly clock: Clock
  readonly every: (ms: number, signal: AbortSignal) => AsyncIterable<number>
  /** Pods to be replaced: those whose observer is missing or of an older template. */
  readonly pods: readonly PodCoverage[]
  /** A number of pods, or a share such as `10%` of the pods of all workloads that are restarted. */
  readonly maxUnavailable: string
  /** A workload that is not ready after so long stops the whole. */
  readonly patienceMs: number
}

/** What happened, as it does. */
export type RestartEvent =
  | { readonly type: 'left', readonly what: string, readonly why: string }
  | { readonly type: 'begun', readonly workload: Workload, readonly overBudget: boolean }
  | { readonly type: 'progress', readonly going: readonly Workload[], readonly waiting: number }
  | { readonly type: 'done', readonly workload: Workload }

/**
 * Replaces pods through their own controllers, as `kubectl rollout restart` does, a few workloads at a time. Throws
 * CONFLICT where new pods do not become ready: what was not begun is then left alone, and calling it again goes on.
 * Aborting begins nothing more; what was begun is finished by its controller.
 */
export async function * restart (options: RestartOptions, signal: AbortSignal): AsyncGenerator<RestartEvent, void> {
  const { api, clock, every, patienceMs } = options
  const { workloads, left } = await workloadsOf(options)
  yield * left
  const waiting = [...workloads]
  const budget = Math.max(1, share(options.maxUnavailable, workloads.reduce((sum, { pods }) => sum + pods, 0), Math.floor))
  let going: { readonly workload: Workload, readonly sinceMs: number }[] = []
  for await (const beat of every(BEAT_MS, signal)) {
    const looked = await Promise.all(going.map(async ({ workload, sinceMs }) => ({ workload: await look(api, workload), sinceMs })))
    for (const { workload, sinceMs } of looked) {
      if (workload.rollout.state === 'done') yield { type: 'done', workload }
      else stopIfStuck(workload, clock.now() - sinceMs, patienceMs)
    }
    going = looked.filter(({ workload }) => workload.rollout.state !== 'done')
    for (const workload of mayBegin(waiting, going.map(({ workload }) => workload), budget)) {
      waiting.shift()
      await begin(api, workload, clock.now())
      going.push({ workload, sinceMs: clock.now() })
      yield { type: 'begun', workload, overBudget: workload.mayBeAway > budget }
    }
    if (going.length === 0) return
    if (beat > 0) yield { type: 'progress', going: going.map(({ workload }) => workload), waiting: waiting.length }
  }
}

async function workloadsOf ({ api, pods }: RestartOptions): Promise<{ workloads: readonly Workload[], left: readonly RestartEvent[] }> {
  const workloads: Workload[] = []
  const left: RestartEvent[] = []
  for (const id of new Set(pods.map(({ namespace, workload }) => `${namespace}/${workload}`))) {
    const [namespace = '', kind = '', name = ''] = id.split('/')
    const known = RESTARTED_KINDS.find((restarted) => restarted === kind)
    const object = known === undefined ? null : await api.get(KINDS[known], name, namespace)
    const workload = object === null ? null : readWorkload(object)
    if (workload === null) left.push({ type: 'left', what: id, why: WHY_LEFT[kind] ?? `nothing here restarts a ${kind}; do it by its own means` })
    else if (workload.obstacle !== '') left.push({ type: 'left', what: id, why: workload.obstacle })
    else workloads.push(workload)
  }
  return { workloads, left }
}

const WHY_LEFT: Readonly<Record<string, string>> = {
  Pod: 'nobody would make it again: delete it and create it anew yourself',
  Job: 'it ends by itself; its next run is injected',
}

async function look (api: KubernetesApi, workload: Workload): Promise<Workload> {
  const object = await api.get(KINDS[workload.kind], workload.name, workload.namespace)
  // Deleted meanwhile: there is nothing to wait for.
  return (object === null ? null : readWorkload(object)) ?? { ...workload, rollout: { state: 'done' } }
}

async function begin (api: KubernetesApi, { kind, namespace, name }: Workload, nowMs: number): Promise<void> {
  await api.apply(KINDS[kind], {
    apiVersion: apiVersionOf(KINDS[kind]),
    kind,
    metadata: { namespace, name },
    spec: { template: { metadata: { annotations: { [RESTARTED_AT]: new Date(nowMs).toISOString() } } } },
  }, { force: true, fieldManager: FIELD_MANAGER })
}

function stopIfStuck ({ kind, namespace, name, rollout }: Workload, forMs: number, patienceMs: number): void {
  const why = rollout.state === 'stuck' ? rollout.message : forMs > patienceMs ? `its new pods are not ready after ${Math.round(forMs / 1000)} s` : null
  if (why === null) return
  throw new AutoshieldError('CONFLICT', `${kind} ${namespace}/${name} does not become ready (${why}); look at 'kubectl get pods --namespace ${namespace}', mend it or undo it with 'kubectl rollout undo --namespace ${namespace} ${kind.toLowerCase()}/${name}', and call this again: it goes on with those that are left.`)
}
