import { CANNOT_ENFORCE } from '../../core/mitigation/conditions.ts'
import type { Mitigation } from '../../core/mitigation/mitigation.ts'
import type { PolicyStanding } from '../../core/mitigation/policy-standing.ts'
import type { ClusterKnowledge } from '../../core/plan/plan.ts'
import { policyKey } from '../../core/plan/reach/policy.ts'
import { replan, type Replanned } from '../../core/plan/replan.ts'
import type { RenderGround } from '../../core/plan/render-policies.ts'
import type { OwnPolicies } from '../../ports/network-policies.ts'
import { carriedIn, isCarriedByPolicies } from './desired.ts'

/** A mitigation whose policies are to stand elsewhere, or nowhere any more. */
export interface Amended {
  readonly mitigation: Mitigation
  readonly outcome: Extract<Replanned, { trouble: unknown }>
}

/** A check takes some 50 ms among 10,000 pods, and nothing else is decided meanwhile. */
const MOST_A_LOOK = 5

/** Checks the plans of mitigations in force again where other people's policies, namespaces' labels or their own pods' labels changed. */
export class PlanWatch {
  readonly #policies: Pick<OwnPolicies, 'list'>
  /** What the last check of a mitigation rested on. */
  readonly #checked = new Map<string, string>()
  readonly #troubles = new Map<string, NonNullable<PolicyStanding['trouble']>>()
  #world: { readonly policies: unknown, readonly namespaces: unknown, readonly text: string } | null = null

  constructor (policies: Pick<OwnPolicies, 'list'>) {
    this.#policies = policies
  }

  troubleOf (name: string): PolicyStanding['trouble'] {
    return this.#troubles.get(name) ?? null
  }

  /** A few of those that are due; the others at the next look. */
  look (mitigations: readonly Mitigation[], knowledge: ClusterKnowledge, ground: Omit<RenderGround, 'inForce'>): Amended[] {
    const carried = mitigations.filter(isCarriedByPolicies)
    for (const name of this.#checked.keys()) if (!carried.some(({ metadata }) => metadata.name === name)) this.#forget(name)
    if (!knowledge.known) return []
    const world = this.#worldOf(knowledge.ground.cluster)
    const around: RenderGround = { ...ground, inForce: carriedIn(mitigations) }
    const due = carried.map((mitigation) => ({ mitigation, basis: `${world} ${basisOf(mitigation, ground)}` }))
      .filter(({ mitigation, basis }) => this.#checked.get(mitigation.metadata.name) !== basis).slice(0, MOST_A_LOOK)
    return due.flatMap(({ mitigation, basis }): Amended[] => {
      const { metadata: { name }, spec: { policies = [], ...spec } } = mitigation
      this.#checked.set(name, basis)
      const outcome = replan(name, { ...spec, policies }, knowledge.ground, around)
      if (outcome.outcome === 'weak') this.#troubles.set(name, outcome.trouble)
      else this.#troubles.delete(name)
      return outcome.outcome === 'moved' || outcome.outcome === 'withdrawn' ? [{ mitigation: amend(mitigation, outcome), outcome }] : []
    })
  }

  #forget (name: string): void {
    this.#checked.delete(name)
    this.#troubles.delete(name)
  }

  /** Other people's policies and the namespaces as text; our own say nothing about our plans. */
  #worldOf ({ policies, namespaces }: Extract<ClusterKnowledge, { known: true }>['ground']['cluster']): string {
    if (this.#world?.policies === policies && this.#world.namespaces === namespaces) return this.#world.text
    const own = new Set(this.#policies.list().map(policyKey))
    const text = JSON.stringify([policies.filter((policy) => !own.has(policyKey(policy))), namespaces])
    this.#world = { policies, namespaces, text }
    return text
  }
}

const basisOf = ({ spec: { subject, victims } }: Mitigation, { byUid }: Pick<RenderGround, 'byUid'>): string =>
  JSON.stringify([...subject === 'anySource' ? [] : [subject], ...victims].map(({ uid }) => byUid(uid)?.labels ?? null))

function amend (mitigation: Mitigation, outcome: Amended['outcome']): Mitigation {
  // Labels are taken from a pod that a policy isolates, and from no other.
  const { metadata, spec: { policies: _, relabel: _labels, ...spec } } = mitigation
  const annotations = outcome.outcome === 'withdrawn' ? { ...metadata.annotations, [CANNOT_ENFORCE]: outcome.trouble.message } : metadata.annotations
  return {
    ...mitigation,
    metadata: { ...metadata, generation: metadata.generation + 1, annotations },
    spec: outcome.outcome === 'moved' ? { ...spec, policies: [...outcome.policies] } : spec,
  }
}
