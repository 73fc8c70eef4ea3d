import { Type, type Static, type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { KubernetesObject } from '../kubernetes/object.ts'

export const RESTARTED_KINDS = ['Deployment', 'StatefulSet', 'DaemonSet'] as const
export type RestartedKind = (typeof RESTARTED_KINDS)[number]

/** How far a workload's newest template has come. */
export type Rollout =
  | { readonly state: 'done' }
  | { readonly state: 'going', readonly ready: number, readonly wanted: number }
  | { readonly state: 'stuck', readonly message: string }

export interface Workload {
  readonly kind: RestartedKind
  readonly namespace: string
  readonly name: string
  /** Pods that it should have. */
  readonly pods: number
  /** Pods that its own strategy may take away at one time. */
  readonly mayBeAway: number
  /** Why it cannot be restarted through its controller; empty where it can. */
  readonly obstacle: string
  readonly rollout: Rollout
}

const count = Type.Optional(Type.Integer())
const intOrPercent = Type.Optional(Type.Union([Type.Integer(), Type.String()]))
const Conditions = Type.Optional(Type.Array(Type.Object({ type: Type.String(), status: Type.String(), message: Type.Optional(Type.String()) })))

const Deployment = Type.Object({
  spec: Type.Object({
    replicas: count,
    paused: Type.Optional(Type.Boolean()),
    strategy: Type.Optional(Type.Object({ type: Type.Optional(Type.String()), rollingUpdate: Type.Optional(Type.Object({ maxUnavailable: intOrPercent, maxSurge: intOrPercent })) })),
  }),
  status: Type.Optional(Type.Object({ observedGeneration: count, replicas: count, updatedReplicas: count, availableReplicas: count, conditions: Conditions })),
})
const StatefulSet = Type.Object({
  spec: Type.Object({
    replicas: count,
    updateStrategy: Type.Optional(Type.Object({ type: Type.Optional(Type.String()), rollingUpdate: Type.Optional(Type.Object({ partition: count })) })),
  }),
  status: Type.Optional(Type.Object({ observedGeneration: count, replicas: count, updatedReplicas: count, readyReplicas: count })),
})
const DaemonSet = Type.Object({
  spec: Type.Object({ updateStrategy: Type.Optional(Type.Object({ type: Type.Optional(Type.String()), rollingUpdate: Type.Optional(Type.Object({ maxUnavailable: intOrPercent })) })) }),
  status: Type.Optional(Type.Object({ observedGeneration: count, desiredNumberScheduled: count, updatedNumberScheduled: count, numberAvailable: count })),
})

type Read = Pick<Workload, 'pods' | 'mayBeAway' | 'obstacle' | 'rollout'>

const readers = {
  Deployment: reader(Deployment, ({ spec: { replicas: pods = 1, paused = false, strategy }, status = {} }, seen) => ({
    pods,
    mayBeAway: strategy?.type === 'Recreate' ? pods : deploymentMayBeAway(pods, strategy?.rollingUpdate),
    obstacle: paused ? 'it is paused' : '',
    rollout: deploymentRollout(pods, status, seen(status.observedGeneration)),
  })),
  StatefulSet: reader(StatefulSet, ({ spec: { replicas: pods = 1, updateStrategy }, status = {} }, seen) => {
    const { updatedReplicas = 0, readyReplicas = 0 } = status
    const partition = updateStrategy?.rollingUpdate?.partition ?? 0
    return {
      pods,
      mayBeAway: 1,
      obstacle: updateStrategy?.type === 'OnDelete' ? 'its strategy is OnDelete: delete its pods yourself' : partition > 0 ? `its partition ${partition} keeps pods at the old template` : '',
      rollout: progress(seen(status.observedGeneration) && updatedReplicas === pods && readyReplicas === pods, Math.min(updatedReplicas, readyReplicas), pods),
    }
  }),
  DaemonSet: reader(DaemonSet, ({ spec: { updateStrategy }, status = {} }, seen) => {
    const { desiredNumberScheduled: pods = 0, updatedNumberScheduled = 0, numberAvailable = 0 } = status
    return {
      pods,
      mayBeAway: share(updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, pods, Math.ceil),
      obstacle: updateStrategy?.type === 'OnDelete' ? 'its strategy is OnDelete: delete its pods yourself' : '',
      rollout: progress(seen(status.observedGeneration) && updatedNumberScheduled === pods && numberAvailable === pods, Math.min(updatedNumberScheduled, numberAvailable), pods),
    }
  }),
} satisfies Record<RestartedKind, (object: KubernetesObject) => Read | null>

/** Null for an object that is none of RESTARTED_KINDS, or not as the API server would send it. */
export function readWorkload (object: KubernetesObject): Workload | null {
  const kind = RESTARTED_KINDS.find((known) => known === object.kind)
  const read = kind === undefined ? null : readers[kind](object)
  return kind === undefined || read === null ? null : { kind, namespace: object.metadata.namespace ?? '', name: object.metadata.name, ...read }
}

/**
 * Which of `waiting` may begin beside those that are `going`, in order: as long as no more pods than `budget` may be away.
 * One that makes its new pods beforehand takes none away and counts as one all the same, so that hundreds of small
 * ones do not begin together. One that may take more than the whole budget goes alone.
 */
export function mayBegin (waiting: readonly Workload[], going: readonly Workload[], budget: number): readonly Workload[] {
  const begin: Workload[] = []
  let away = going.reduce((sum, workload) => sum + weight(workload), 0)
  for (const workload of waiting) {
    const alone = going.length === 0 && begin.length === 0
    if (!alone && away + weight(workload) > budget) break
    away += weight(workload)
    begin.push(workload)
  }
  return begin
}

const weight = ({ mayBeAway }: Workload): number => Math.max(1, mayBeAway)

/** `10%` of `all`, or a plain number, as a number of pods. */
export function share (value: number | string, all: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value
  return value.endsWith('%') ? round(all * Number(value.slice(0, -1)) / 100) : Number(value)
}

function reader<S extends TSchema> (schema: S, read: (value: Static<S>, seen: (observed: number | undefined) => boolean) => Read): (object: KubernetesObject) => Read | null {
  const validator = Compile(schema)
  return (object) => {
    const { generation = 1 } = object.metadata
    return validator.Check(object) ? read(object, (observed = 0) => observed >= generation) : null
  }
}

/** As `ResolveFenceposts` of Kubernetes: a quarter where nothing is said, away rounded down, surge up, and one away where both are none. */
function deploymentMayBeAway (pods: number, { maxUnavailable = '25%', maxSurge = '25%' }: { readonly maxUnavailable?: number | string, readonly maxSurge?: number | string } = {}): number {
  const away = share(maxUnavailable, pods, Math.floor)
  return away === 0 && share(maxSurge, pods, Math.ceil) === 0 ? 1 : away
}

function deploymentRollout (pods: number, status: NonNullable<Static<typeof Deployment>['status']>, seen: boolean): Rollout {
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0, conditions = [] } = status
  const failed = conditions.find(({ type, status }) => type === 'Progressing' && status === 'False')
  if (seen && failed !== undefined) return { state: 'stuck', message: failed.message ?? 'its new pods do not become ready' }
  return progress(seen && updatedReplicas === pods && replicas === pods && availableReplicas === pods, Math.min(updatedReplicas, availableReplicas), pods)
}

const progress = (done: boolean, ready: number, wanted: number): Rollout => done ? { state: 'done' } : { state: 'going', ready, wanted }
