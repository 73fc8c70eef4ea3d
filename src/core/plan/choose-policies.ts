import { EVERY_POD, type MitigationSpec, type PolicyPlace } from '../mitigation/mitigation.ts'
import { candidateOf, claimsOf } from './candidate.ts'
import { checkPlan, type Ground, type ObservedFlow, type PlanCheck } from './check-plan.ts'
import type { Plugin } from './reach/policy.ts'
import { releaseOf, renderPolicies, type Rendered, type RenderGround } from './render-policies.ts'

/** A way to carry a mitigation by policies, and what would come of it. */
export interface TriedOption {
  readonly policies: readonly PolicyPlace[]
  readonly rendered: Rendered
  readonly check: PlanCheck
}

export interface Choice {
  /** The smallest that cuts what it claims and opens nothing; null where none does. */
  readonly taken: TriedOption | null
  /** In order of size, up to the one that was taken. */
  readonly tried: readonly TriedOption[]
  /** Larger ones, which nobody needs. */
  readonly untried: readonly (readonly PolicyPlace[])[]
}

/** How the policies of a mitigation may be placed: as its rule's direction says, or both ways around an isolated pod. */
export type Placing = 'by-direction' | 'isolation'

/**
 * From the smallest to the largest. In front of victims stands nobody where every pod is meant, or an address outside. With Cilium those
 * that deny come first: one that lists everybody else leaves out the nodes as well.
 *
 *     placing      | direction | victims by name | options
 *     isolation    | -         | -               | isolation
 *     by-direction | egress    | -               | egress
 *     by-direction | ingress   | yes             | ingress
 *     by-direction | ingress   | no              | none
 *     by-direction | both      | yes             | egress; ingress; egress and ingress
 *     by-direction | both      | no              | egress
 */
export function optionsOf (spec: Pick<MitigationSpec, 'direction' | 'victims' | 'workloads'>, placing: Placing, plugin: Plugin): readonly (readonly PolicyPlace[])[] {
  if (placing === 'isolation') return [['isolation']]
  const listing = waysOf(spec)
  return plugin === 'most' ? listing : [...listing.map((places) => places.map((place) => `${place}-deny` as const)), ...listing]
}

function waysOf ({ direction, victims, workloads = [] }: Pick<MitigationSpec, 'direction' | 'victims' | 'workloads'>): readonly (readonly ('egress' | 'ingress')[])[] {
  const named = victims.length > 0 && !workloads.includes(EVERY_POD)
  switch (direction) {
    case 'egress': return [['egress']]
    case 'ingress': return named ? [['ingress']] : []
    case 'both': return named ? [['egress'], ['ingress'], ['egress', 'ingress']] : [['egress']]
  }
}

/** Tries the options in order on the policies and pods of now. Throws what `checkPlan` throws. */
export function choosePolicies (name: string, spec: MitigationSpec, options: readonly (readonly PolicyPlace[])[], ground: Ground, seen: readonly ObservedFlow[], around: RenderGround): Choice {
  const tried: TriedOption[] = []
  for (const [at, policies] of options.entries()) {
    const option = tryOption(name, spec, policies, ground, seen, around)
    tried.push(option)
    if (option.check.reason === 'RuleMatched') return { taken: option, tried, untried: options.slice(at + 1) }
  }
  return { taken: null, tried, untried: [] }
}

/** What would come of one way of carrying it. */
export function tryOption (name: string, spec: MitigationSpec, policies: readonly PolicyPlace[], ground: Ground, seen: readonly ObservedFlow[], around: RenderGround): TriedOption {
  const wanted = { name, spec: { ...spec, policies: [...policies] } }
  const rendered = renderPolicies(name, wanted.spec, around)
  // Policies of ours on the same pods will leave out what this one does.
  const others = around.inForce.filter((other) => other.name !== name)
  const amended = others.map((other) => renderPolicies(other.name, other.spec, { ...around, inForce: [...others, wanted] }))
  const together: Rendered = { labelled: [rendered, ...amended].flatMap(({ labelled }) => labelled), policies: [rendered, ...amended].flatMap((each) => each.policies) }
  const releases = new Map([wanted, ...others].flatMap((each) => [...releaseOf(each.spec, around)]))
  return { policies, rendered, check: checkPlan(ground, candidateOf(together, releases), claimsOf(spec, policies), seen) }
}

/** `NetworkPolicy at the egress of the suspect and the ingress of the victims`, for messages. */
export function formOf (policies: readonly PolicyPlace[]): string {
  const [egress, ingress] = ['the egress of the suspect', 'the ingress of the victims'] as const
  const words = { egress, ingress, isolation: 'both ways of the suspect', 'egress-deny': egress, 'ingress-deny': ingress } as const
  return `${policies.some((place) => place.endsWith('-deny')) ? 'CiliumNetworkPolicy' : 'NetworkPolicy'} at ${policies.map((place) => words[place]).join(' and ')}`
}
