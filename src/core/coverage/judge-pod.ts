import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import type { DecideInjection, InjectionDecision } from '../injection/decision.ts'
import { ANNOTATIONS, OBSERVER_CONTAINER } from '../injection/names.ts'
import type { InjectionContext } from '../injection/settings.ts'
import { parseInjectionStatus } from '../injection/status.ts'
import type { KubernetesObject, Namespace } from '../kubernetes/object.ts'
import { workloadOf } from '../kubernetes/workload.ts'
import type { ReasonCode } from '../reason.ts'

export const COVERAGE_STATES = ['observed', 'starting', 'silent', 'stale', 'missed', 'skipped'] as const
export type CoverageState = (typeof COVERAGE_STATES)[number]

/** What is known of one pod that somebody asked to have observed. */
export interface PodCoverage {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** `Deployment/web`; `Pod/web` for a pod that nobody controls. */
  readonly workload: string
  readonly state: CoverageState
  readonly reason: ReasonCode
  readonly message: string
  readonly mend: string
}

export interface CoverageFacts {
  readonly decide: DecideInjection
  readonly context: InjectionContext
  /** What the settings put into a pod now; see InjectionStatus. */
  readonly template: string
  /** Uids of the pods whose observers report; null where that is not known. */
  readonly reporting: ReadonlySet<string> | null
  readonly nowMs: number
}

/** An observer gets so long to obtain its certificate and to connect. */
export const SILENT_AFTER_MS = 60_000

const containers = Type.Optional(Type.Array(Type.Object({ name: Type.String() })))
const statuses = Type.Optional(Type.Array(Type.Object({
  name: Type.String(),
  state: Type.Optional(Type.Object({
    running: Type.Optional(Type.Object({ startedAt: Type.Optional(Type.Union([Type.String(), Type.Null()])) })),
    waiting: Type.Optional(Type.Object({ reason: Type.Optional(Type.String()) })),
  })),
})))
/** What is read here of a pod as the API server sends it. */
const ReadPod = Type.Object({
  spec: Type.Object({ containers, initContainers: containers }),
  status: Type.Optional(Type.Object({ phase: Type.Optional(Type.String()), containerStatuses: statuses, initContainerStatuses: statuses })),
})
type ReadPod = Static<typeof ReadPod>
const validator = Compile(ReadPod)

/** Null for a pod that is over, and for one that neither it nor its namespace asks to have observed. */
export function judgePod (pod: KubernetesObject, namespace: Namespace | null, facts: CoverageFacts): PodCoverage | null {
  if (pod.metadata.deletionTimestamp !== undefined || !validator.Check(pod)) return null
  const phase = pod.status?.phase
  if (phase === 'Succeeded' || phase === 'Failed') return null
  const status = parseInjectionStatus(pod.metadata.annotations?.[ANNOTATIONS.status] ?? '')
  const injected = [...pod.spec.containers ?? [], ...pod.spec.initContainers ?? []].some(({ name }) => name === OBSERVER_CONTAINER)
  if (!injected || status === null) return uninjected(pod, facts.decide({ pod, namespace }, facts.context))
  if (status.template !== facts.template) {
    return row(pod, 'stale', 'Stale', 'its observer comes from an older template', `restart its workload with 'autoshield restart --namespace ${pod.metadata.namespace ?? ''}'`)
  }
  return reporting(pod, pod, facts)
}

function uninjected (pod: KubernetesObject, decision: InjectionDecision): PodCoverage | null {
  if (decision.kind === 'inject') {
    return row(pod, 'missed', 'Missed', `${decision.decidedBy} asks for an observer, and it has none`, `restart its workload with 'autoshield restart --namespace ${pod.metadata.namespace ?? ''}'`)
  }
  // Nobody asked for these, so nothing is missing.
  if (decision.reason === 'NamespaceNotLabelled' || decision.reason === 'NamespaceExcluded') return null
  return row(pod, 'skipped', decision.reason, decision.message, decision.mend)
}

function reporting (pod: KubernetesObject, { status }: ReadPod, { reporting, nowMs }: CoverageFacts): PodCoverage {
  const observer = [...status?.containerStatuses ?? [], ...status?.initContainerStatuses ?? []].find(({ name }) => name === OBSERVER_CONTAINER)
  const startedAt = observer?.state?.running?.startedAt
  const running = typeof startedAt === 'string'
  if (running && (reporting?.has(pod.metadata.uid ?? '') ?? true)) return row(pod, 'observed', 'Observed', reporting === null ? 'its observer runs' : 'its observer reports', '')
  const since = Date.parse(typeof startedAt === 'string' ? startedAt : pod.metadata.creationTimestamp ?? '')
  const waiting = observer?.state?.waiting?.reason
  const why = running ? 'its observer runs and reports nothing' : `its observer does not run${waiting === undefined ? '' : ` (${waiting})`}`
  if (nowMs - since < SILENT_AFTER_MS) return row(pod, 'starting', 'Starting', why, '')
  return row(pod, 'silent', 'Silent', why, `look at 'kubectl logs --namespace ${pod.metadata.namespace ?? ''} ${pod.metadata.name} --container ${OBSERVER_CONTAINER}'`)
}

function row (pod: KubernetesObject, state: CoverageState, reason: ReasonCode, message: string, mend: string): PodCoverage {
  const { metadata: { namespace = '', name, uid = '' } } = pod
  return { namespace, name, uid, workload: workloadOf(pod) ?? `Pod/${name}`, state, reason, message, mend }
}
