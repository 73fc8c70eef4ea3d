import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { PlanContext } from '../core/plan/plan.ts'
import { podsBehind } from '../core/plan/service-pods.ts'
import type { Rule } from '../core/policy/rule.ts'
import type { Protected } from '../core/safety/protected.ts'
import type { SourceEvidence } from '../core/safety/safety.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { Bench } from './ruling.ts'

/** What the plan of an action rests on now. `mitigation`: its name. */
export function contextOf (rule: Rule, mitigation: string, evidence: SourceEvidence, mode: Mitigation['spec']['mode'], bench: Bench): PlanContext {
  const cluster = bench.cluster()
  return {
    policy: bench.policyOf(rule),
    ruleHash: bench.hashOf(rule),
    mitigation,
    pods: bench.pods,
    ...(bench.nodes !== null && { nodes: bench.nodes }),
    serviceAt: bench.serviceAt,
    evidence,
    nowMs: bench.nowMs,
    inForce: bench.inForce,
    spared: bench.surroundings.protectedSet.namespaces,
    ...(cluster !== null && { cluster }),
    mode,
  }
}

/** What protects the target of a detection; null where nothing does. */
export function protectionOf ({ target }: Detection, { pods, serviceAt, surroundings: { protectedSet } }: Bench): Protected | null {
  if (target === null) return null
  const service = target.uid === undefined ? serviceAt?.(target.address) ?? null : null
  const behind = service === null ? [] : podsBehind(service, pods).flatMap((one) => protectedSet.of(one) ?? [])
  if (behind[0] !== undefined) return behind[0]
  const pod = pods.find(({ uid, addresses }) => target.uid === undefined ? addresses.includes(target.address) : uid === target.uid)
  return pod === undefined ? protectedSet.ofAddress(target.address) : protectedSet.of(pod)
}
