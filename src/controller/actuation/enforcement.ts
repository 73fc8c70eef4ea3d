import type { Mitigation } from '../../core/mitigation/mitigation.ts'
import { AutoshieldError } from '../../core/errors.ts'
import { effectOf, type PlanEffect } from '../../core/plan/effect.ts'
import type { ClusterKnowledge } from '../../core/plan/plan.ts'
import type { RenderGround } from '../../core/plan/render-policies.ts'
import type { AuditTrail } from '../../ports/audit.ts'
import type { Clock } from '../../ports/clock.ts'
import type { PodDirectory, Protections } from '../../ports/directories.ts'
import type { FlowHistory } from '../../ports/flows.ts'
import type { ClusterReach, OwnPolicies } from '../../ports/network-policies.ts'
import type { EffectOfSpec } from '../foresee.ts'
import type { Journal } from '../journal.ts'
import { PodRelease, type PodReleaseParts, type ReleasingMitigations } from '../isolation/pod-release.ts'
import type { Log } from '../log.ts'
import { carriedIn } from './desired.ts'
import { PlanWatch, type Amended } from './plan-watch.ts'
import { PolicyActuator, type PolicyFleet } from './policy-actuator.ts'
import { PolicyGround } from './policy-ground.ts'
import { PutBackTrail } from './put-back-trail.ts'

/** Where a cluster is connected: who reaches whom there, and our own policies. */
export interface ClusterNetwork {
  readonly reach: ClusterReach
  readonly policies: OwnPolicies
  /** Where isolated pods are taken out of what selects them. */
  readonly release?: Pick<PodReleaseParts, 'api' | 'installation' | 'selectors'>
}

export interface EnforcementParts extends ClusterNetwork {
  readonly pods: PodDirectory
  readonly protections: Protections
  readonly labelRestMs: number
  readonly flows: FlowHistory
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly audit: Pick<AuditTrail, 'search'>
  readonly journal: Journal
  readonly log: Log
}

/** What the controller does about NetworkPolicies in a cluster: what plans rest on, and what keeps mitigations' policies. */
export class Enforcement {
  readonly #parts: EnforcementParts
  readonly #plans: PlanWatch
  readonly #ground: PolicyGround
  readonly #putBacks: PutBackTrail
  readonly #actuator: PolicyActuator
  readonly #release: PodRelease | null

  constructor (parts: EnforcementParts) {
    const { reach, policies, release, pods, protections, labelRestMs, flows, clock, random, audit, journal, log } = parts
    this.#parts = parts
    this.#plans = new PlanWatch(policies)
    this.#ground = new PolicyGround({ reach, flows, clock, selectors: release?.selectors ?? null })
    this.#release = release === undefined ? null : new PodRelease({ ...release, pods, clock, random, log, tell: async (entries) => this.#putBacks.tell(entries) })
    this.#putBacks = new PutBackTrail({ audit, write: async (entries) => journal.keep({ writes: () => [], audit: entries }) })
    this.#actuator = new PolicyActuator({ policies, pods, installation: release?.installation ?? null, spared: () => protections.now().namespaces, troubleOf: (name) => this.#plans.troubleOf(name) ?? this.#release?.troubleOf(name) ?? null, labelRestMs, clock, random, log, tell: async (entries) => this.#putBacks.tell(entries) })
  }

  get fleet (): PolicyFleet {
    return this.#actuator
  }

  /** Throws UNAVAILABLE where the policies of the cluster are not known. */
  effect ({ metadata: { name }, spec }: Parameters<EffectOfSpec>[0], active: readonly Mitigation[]): PlanEffect {
    const knowledge = this.knowledge()
    if (!knowledge.known) throw new AutoshieldError('UNAVAILABLE', `What policies do cannot be told: ${knowledge.why} Try again when that is mended.`)
    return effectOf(name, spec, knowledge, { ...this.#around(), inForce: carriedIn(active) })
  }

  knowledge (): ClusterKnowledge {
    return this.#ground.knowledge()
  }

  /**
   * To be called about once a second: what the API server refused is tried again, and plans are checked where others' policies changed.
   * Resolves to whether a target stands otherwise than before.
   */
  async beat (mitigations: ReleasingMitigations & { readonly replanned: (amended: readonly Amended[]) => Promise<void> }): Promise<boolean> {
    await this.#putBacks.beat()
    await mitigations.replanned(this.#plans.look(mitigations.active, this.knowledge(), this.#around()))
    const isNews = await this.#release?.look(mitigations) === true
    this.#actuator.look()
    return isNews
  }

  #around (): Omit<RenderGround, 'inForce'> {
    const { pods, protections, release } = this.#parts
    return { byUid: (uid) => pods.byUid(uid), spared: protections.now().namespaces, ...(release !== undefined && { selectors: release.selectors }) }
  }

  /** Works until the signal aborts; `told` hears when policies stand otherwise than before. */
  async run (signal: AbortSignal, told: () => void): Promise<void> {
    using listening = this.#actuator.onChange(told)
    await this.#actuator.run(signal)
    listening[Symbol.dispose]()
  }
}
