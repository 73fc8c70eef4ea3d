import { isDeepStrictEqual } from 'node:util'
import type { Mitigation } from '../../core/mitigation/mitigation.ts'
import type { PolicyObject } from '../../core/plan/policy-object.ts'
import { policyKey } from '../../core/plan/reach/policy.ts'
import { renderPolicies, type Carried, type RenderGround } from '../../core/plan/render-policies.ts'
import type { Pod } from '../../core/pod.ts'
import type { OwnPolicy } from '../../ports/network-policies.ts'

/** What mitigations in force ask for: their policies by `NAMESPACE/NAME`, and the pods that must bear their label. */
export interface Desired {
  readonly policies: ReadonlyMap<string, PolicyObject>
  readonly marks: ReadonlyMap<string, Pod>
  /** Of each mitigation that is carried by policies, also one that needs none now. */
  readonly byMitigation: ReadonlyMap<string, { readonly policies: readonly PolicyObject[], readonly marks: readonly string[] }>
}

export const isCarriedByPolicies = ({ spec, status }: Mitigation): boolean => status.phase === 'active' && spec.mode === 'enforce' && spec.policies !== undefined

export const carriedIn = (mitigations: readonly Mitigation[]): Carried[] => mitigations.filter(isCarriedByPolicies).map(({ metadata: { name }, spec }) => ({ name, spec }))

export function desiredOf (mitigations: readonly Mitigation[], ground: Omit<RenderGround, 'inForce'>): Desired {
  const inForce = carriedIn(mitigations)
  const rendered = inForce.map(({ name, spec }) => ({ name, ...renderPolicies(name, spec, { ...ground, inForce }) }))
  return {
    policies: new Map(rendered.flatMap(({ policies }) => policies.map((policy) => [keyOf(policy), policy]))),
    marks: new Map(rendered.flatMap(({ labelled }) => labelled.map((pod) => [pod.uid, pod]))),
    byMitigation: new Map(rendered.map(({ name, policies, labelled }) => [name, { policies, marks: labelled.map(({ uid }) => uid) }])),
  }
}

export const keyOf = ({ metadata: { namespace = '', name } }: PolicyObject): string => policyKey({ namespace, name })

/** Tells when its mitigation ends, which moves with the attack, and restricts nobody. */
const ENDS_AT = 'autoshield.dev/expires-at'

/** Whether what is stored restricts as it should, whatever it says of its end. */
export function restrictsAsDesired (stored: OwnPolicy, desired: PolicyObject): boolean {
  const said = stored.annotations[ENDS_AT]
  const { metadata } = desired
  return isAsDesired(stored, { ...desired, metadata: { ...metadata, annotations: { ...metadata.annotations, ...(said !== undefined && { [ENDS_AT]: said }) } } })
}

/** Whether what is stored asks for the same, under our mark. The API server fills in nothing that we leave out, and leaves out a list that is empty. */
export function isAsDesired (stored: OwnPolicy | undefined, { metadata: { labels = {}, annotations = {} }, spec }: Pick<PolicyObject, 'metadata' | 'spec'>): boolean {
  const holds = (there: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean => Object.entries(wanted).every(([key, value]) => there[key] === value)
  return stored !== undefined && holds(stored.labels, labels) && holds(stored.annotations, annotations) && isDeepStrictEqual(stored.spec, storedForm(spec))
}

const storedForm = (spec: PolicyObject['spec']): object => Object.fromEntries(Object.entries(spec).filter(([, value]) => !Array.isArray(value) || value.length > 0))
