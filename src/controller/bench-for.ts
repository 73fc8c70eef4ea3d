import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { ClusterKnowledge } from '../core/plan/plan.ts'
import type { ServiceAt } from '../core/plan/service-pods.ts'
import type { Rule } from '../core/policy/rule.ts'
import type { TimeZone } from '../core/policy/time-zone.ts'
import type { Application } from '../core/rollout/apply.ts'
import type { SafetySettings } from '../core/safety/settings.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { NodeDirectory, PodDirectory } from '../ports/directories.ts'
import { carriedIn } from './actuation/desired.ts'
import type { Bench } from './ruling.ts'
import type { ExceptionsInForce } from './exceptions/exceptions-in-force.ts'
import { ANNOTATIONS, annotationsOf } from './mitigation-case.ts'
import type { MitigationDesk } from './mitigation-desk.ts'
import type { PolicyBook } from './policy-book.ts'
import type { Settled } from './settled.ts'

/** Where what a decision rests on is to be had. */
export interface BenchParts {
  readonly book: Pick<PolicyBook, 'policy' | 'ownerOf' | 'hashOf'>
  readonly mitigations: Pick<MitigationDesk, 'active'>
  readonly exceptions: Pick<ExceptionsInForce, 'coverage'>
  /** What the mesh policies make of a detection now. */
  readonly applications: (detection: Detection) => readonly Application[]
  readonly pods: PodDirectory
  /** Absent where there are none. */
  readonly serviceAt: ServiceAt | undefined
  /** What is known of the cluster's policies; null where none is connected. */
  readonly cluster: () => ClusterKnowledge | null
  /** null: no cluster is connected. */
  readonly nodes: NodeDirectory | null
  readonly newId: () => string
  readonly zone: TimeZone
  readonly safety: SafetySettings
}

/** What a decision on a detection rests on now, but the surroundings. */
export function benchFor (detection: Detection, nowMs: number, parts: BenchParts & { readonly modelClasses: readonly string[], readonly settled: Settled }): Omit<Bench, 'surroundings'> {
  const { book, pods, exceptions, newId, zone, safety, modelClasses, settled, mitigations } = parts
  return {
    policy: book.policy,
    policyOf: (rule) => book.ownerOf(rule),
    hashOf: (rule) => book.hashOf(rule),
    applications: parts.applications(detection),
    zone,
    modelClasses,
    pods: pods.list(),
    serviceAt: parts.serviceAt,
    cluster: parts.cluster,
    inForce: carriedIn(mitigations.active),
    nodes: parts.nodes?.list() ?? null,
    safety,
    nowMs,
    newId,
    exceptedBy: (rule, action) => exceptions.coverage(detection, rule, action),
    mitigatedBy: (rule, actionIndex, _, mode) => inForce(mitigations.active, rule, actionIndex, detection, mode),
    isSettled: (rule, actionIndex, _, sinceMs) => settled.isSettled(book.hashOf(rule), actionIndex, detection, sinceMs),
  }
}

function inForce (active: readonly Mitigation[], rule: Rule, actionIndex: number, detection: Detection, mode: Mitigation['spec']['mode']): string | null {
  const wanted = annotationsOf(actionIndex, detection)
  const found = active.find(({ spec, metadata: { annotations } }) =>
    spec.owner.rule === rule.id && spec.mode === mode && Object.values(ANNOTATIONS).every((name) => annotations[name] === wanted[name]))
  return found?.metadata.name ?? null
}
