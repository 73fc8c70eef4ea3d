import type { EventSubject } from '../adapters/kubernetes/refusal-events.ts'
import { apiVersionOf, RESOURCES, type Resource } from '../core/kubernetes/resource.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { Decision } from '../core/policy/decision.ts'
import { threatPolicyOwner } from '../core/policy/read-threat-policy.ts'
import type { Exceptions } from '../ports/exceptions.ts'
import type { ThreatPolicies } from '../ports/threat-policies.ts'

/** The objects of ours in the cluster. */
export interface OwnObjects {
  /** Where they are. */
  readonly namespace: string
  readonly threatPolicies: Pick<ThreatPolicies, 'list'>
  readonly exceptions: Pick<Exceptions, 'list'>
  readonly mitigations: { readonly get: (name: string) => Mitigation | null }
}

/** Objects of ours that a refusal is about: the ThreatPolicy whose rule fired, the Exception that covers it, the Mitigation that may not grow. */
export function refusalSubjects ({ namespace, threatPolicies, exceptions, mitigations }: OwnObjects): (decision: Decision) => readonly EventSubject[] {
  const subject = (resource: Resource, { name, uid }: { readonly name: string, readonly uid: string }): EventSubject => ({ apiVersion: apiVersionOf(resource), kind: resource.kind, namespace, name, uid })
  return ({ policy, exception, escalates }) => {
    const rules = threatPolicies.list().find(({ metadata }) => threatPolicyOwner(metadata.name) === policy)
    const covering = exceptions.list().find(({ metadata }) => metadata.name === exception)
    const growing = escalates === undefined ? null : mitigations.get(escalates)
    return [
      ...rules === undefined ? [] : [subject(RESOURCES.threatPolicies, rules.metadata)],
      ...covering === undefined ? [] : [subject(RESOURCES.exceptions, covering.metadata)],
      ...growing === null ? [] : [subject(RESOURCES.mitigations, growing.metadata)],
    ]
  }
}
