import { AutoshieldError } from '../../core/errors.ts'
import { ACTOR, advance, command, NOT_FOLLOWED, notFollowed, type Command } from '../../core/rollout/advance.ts'
import { applicationsOf, ownerOf, type Application } from '../../core/rollout/apply.ts'
import { followedOf } from '../../core/rollout/followed.ts'
import { isAtTarget, nameOf } from '../../core/rollout/ladder.ts'
import type { Evidence, MeshPolicy, MeshPolicyStatus } from '../../core/rollout/mesh-policy.ts'
import { readMeshPolicySpec } from '../../core/rollout/read-mesh-policy.ts'
import { membersOf, type Members } from '../../core/rollout/scope.ts'
import { step, type Outcome } from '../../core/rollout/step.ts'
import { evidenceOf, TARGET_WINDOW_MS } from '../../core/rollout/tally.ts'
import { Turns } from '../../core/turns.ts'
import type { RestrictionCount } from '../../core/mitigation/restriction-count.ts'
import type { Detection } from '../../core/verdict/detection.ts'
import type { Score } from '../../core/verdict/score.ts'
import type { Clock } from '../../ports/clock.ts'
import type { PodDirectory } from '../../ports/directories.ts'
import type { EditableMeshPolicies, MeshPolicies, Rollouts } from '../../ports/mesh-policies.ts'
import type { Checkpoints } from '../../ports/object-store.ts'
import type { ProxyFleet } from '../../ports/proxies.ts'
import type { Journal, NewAuditEntry } from '../journal.ts'
import type { Log } from '../log.ts'
import type { MitigationDesk } from '../mitigation-desk.ts'
import { rolledOutNow, type RolledOut } from './rolled-out.ts'
import { Tallies } from './tallies.ts'
import { strayOf } from './stray.ts'

export interface RolloutDeskParts {
  readonly policies: MeshPolicies | EditableMeshPolicies
  readonly checkpoints: Checkpoints
  readonly journal: Journal
  readonly mitigations: MitigationDesk
  readonly pods: PodDirectory
  readonly proxies: ProxyFleet
  readonly clock: Clock
  readonly log: Log
  /** Addresses whose traffic is not legitimate. */
  readonly suspects: () => ReadonlySet<string>
  /** What enforced stopped legitimate traffic. */
  readonly harmed: () => Promise<void>
}

/** Counts that only grew are written this often; what changes where a rollout stands is written at once. */
const BEATS_PER_REPORT = 5

/**
 * Takes each mesh policy as far as what was seen allows, and back. Level-based: at each beat it compares what the
 * policies ask for, where they are and what was seen; what they do not enforce any more ends, whoever took them back.
 */
export class RolloutDesk implements Rollouts {
  readonly #parts: RolloutDeskParts
  readonly #tallies: Tallies
  /** Of each policy: whoever takes a step has read where the step before led. */
  readonly #turns = new Turns()
  #beats = 0

  constructor (parts: RolloutDeskParts) {
    this.#parts = parts
    this.#tallies = new Tallies(parts)
  }

  restore (): void {
    this.#tallies.restore()
  }

  get (name: string): MeshPolicy | null {
    return this.#parts.policies.get(name)
  }

  list (): readonly MeshPolicy[] {
    return this.#parts.policies.list()
  }

  applications (detection: Detection): readonly Application[] {
    const policies = this.#followed()
    return policies.length === 0 ? [] : applicationsOf(policies, detection, this.#parts.pods.list(), this.#proxied())
  }

  /** In front of whom the mitigations of mesh policies restrict, as far as the rollouts are now. */
  rolledOut (): RolledOut {
    return rolledOutNow(this.#followed(), this.#parts.pods.list(), () => this.#proxied())
  }

  seen (score: Score): void {
    this.#tallies.seen(score)
  }

  counted (counts: readonly RestrictionCount[]): void {
    this.#tallies.counted(counts, this.#parts.mitigations.active)
  }

  /** Looks at every policy once. What cannot be kept is not done, and is decided anew at the next beat. */
  async beat (): Promise<void> {
    const report = this.#beats++ % BEATS_PER_REPORT === 0
    const { followed, beyond } = followedOf(this.#parts.policies.list())
    await Promise.all([...followed.map((policy) => ({ policy, look: async () => this.#look(policy.metadata.name, report) })), ...beyond.map((policy) => ({ policy, look: async () => this.#passOver(policy.metadata.name) }))].map(async ({ policy: { metadata: { name } }, look }) => this.#turns.take(name, look).catch((error: unknown) => {
      const { code, message } = AutoshieldError.from(error)
      if (code === 'NOT_FOUND') return // somebody deleted it meanwhile
      this.#parts.log.warn({ policy: name, error: message }, 'a step of a rollout could not be kept; it is decided anew')
    })))
    this.#follow()
    await this.#endStrays()
  }

  /** Ends what no mesh policy asks for any more. What cannot be ended yet is tried again at the next beat. */
  async #endStrays (): Promise<void> {
    const { mitigations, pods } = this.#parts
    for (const { mitigation, why } of strayOf(mitigations.active, this.#followed(), pods.list(), this.#proxied())) {
      await mitigations.revert(mitigation.metadata.name, { actor: ACTOR, reason: 'RolledBack', why }).catch((error: unknown) => {
        this.#parts.log.warn({ mitigation: mitigation.metadata.name, error: AutoshieldError.from(error).message }, 'a restriction that its mesh policy asks for no more could not be ended yet')
      })
    }
  }

  async checkpoint (): Promise<void> {
    await this.#tallies.checkpoint()
  }

  async apply (name: string, spec: unknown, actor: string): Promise<MeshPolicy> {
    const { clock, journal } = this.#parts
    const policies = this.#editable(`write ${name} with kubectl apply`)
    const read = readMeshPolicySpec(spec)
    if (!read.ok) throw new AutoshieldError('BAD_DATA', `Mesh policy ${name}: ${read.problems.join('; ')}.`)
    return this.#turns.take(name, async () => {
      const before = policies.get(name)
      const policy = await policies.ask(name, read.spec, new Date(clock.now()).toISOString())
      await journal.record({ actor, action: 'rollout.asked', object: ownerOf(name), reason: 'Stored', detail: { spec: policy.spec, generation: policy.metadata.generation } }).catch(async (error: unknown) => {
        await (before === null ? policies.remove(name) : policies.restore(before))
        throw error
      })
      return policy
    })
  }

  /** Kept and in the trail, or not done; what the policy made ends before it is answered, as far as the store lets it. */
  async remove (name: string, actor: string, why: string): Promise<MeshPolicy> {
    const policies = this.#editable(`delete ${name} with kubectl delete`)
    const removed = await this.#turns.take(name, async () => {
      const policy = this.#known(name)
      await policies.remove(name)
      await this.#parts.journal.record({ actor, action: 'rollout.deleted', object: ownerOf(name), reason: 'Reverted', detail: { from: nameOf(policy.status), message: why, spec: policy.spec } }).catch(async (error: unknown) => {
        await policies.restore(policy)
        throw error
      })
      return policy
    })
    this.#follow()
    await this.#endStrays()
    return removed
  }

  #editable (instead: string): EditableMeshPolicies {
    const { policies } = this.#parts
    if (!('ask' in policies)) throw new AutoshieldError('CONFLICT', `Mesh policies are objects of this cluster: ${instead}, in the namespace of AutoShield.`)
    return policies
  }

  #known (name: string): MeshPolicy {
    const policy = this.#parts.policies.get(name)
    if (policy === null) throw new AutoshieldError('NOT_FOUND', `There is no mesh policy "${name}": list them with \`autoshield rollout status\`.`)
    return policy
  }

  /** A person's step: kept and in the trail before it is answered, or not done. */
  async command (name: string, asked: Command, actor: string, why: string): Promise<MeshPolicy> {
    if (actor.trim() === '') throw new AutoshieldError('USAGE', 'A step of a rollout needs the name of whoever asks for it.')
    const after = await this.#turns.take(name, async () => {
      const policy = this.#known(name)
      if (!this.#followed().some(({ metadata }) => metadata.name === name)) throw new AutoshieldError('CONFLICT', `Rollout ${name} is not followed. ${NOT_FOLLOWED}`)
      const commanded = command(policy, asked, actor, why, this.#parts.clock.now())
      if (!commanded.ok) throw new AutoshieldError('CONFLICT', commanded.message)
      return this.#keep(policy, commanded.status, { ...entryOf(policy, commanded.status, asked, commanded.reason, why, this.#evidence(policy)), actor })
    })
    this.#follow()
    return after
  }

  /** Counts from now on are those of the steps that the policies are at now. */
  #follow (): void {
    const policies = this.#followed()
    this.#tallies.follow(policies, this.#members(policies))
  }

  /** In turn. Rejects where what it decided could not be kept. */
  async #look (name: string, report: boolean): Promise<void> {
    const { policies, journal, clock, log } = this.#parts
    const policy = policies.get(name)
    if (policy === null) return
    const evidence = this.#evidence(policy)
    const outcome = step(policy, evidence, clock.now())
    const status = advance(policy, outcome, evidence, clock.now())
    if (!report && !isNews(policy.status, status)) return
    if (JSON.stringify(status) === JSON.stringify(policy.status)) return
    const entry = entryOf(policy, status, outcome.kind, outcome.reason, outcome.message, evidence)
    if (outcome.kind === 'promote') await this.#keep(policy, status, entry)
    else await policies.tell(name, status)
    if (outcome.kind === 'stay') return
    log.info({ policy: name, to: nameOf(status), reason: outcome.reason }, `rollout: ${outcome.kind}: ${outcome.message}`)
    if (outcome.kind === 'roll-back' && (outcome.reason === 'BudgetSpent' || outcome.reason === 'ErrorsRisen')) await this.#parts.harmed()
    // What makes it safer is done already: the trail alone may wait.
    if (outcome.kind !== 'promote') await journal.keep({ writes: () => [], audit: [entry] })
  }

  /** In turn. Says on the object that it is beyond the bound. */
  async #passOver (name: string): Promise<void> {
    const { policies, clock, log } = this.#parts
    const policy = policies.get(name)
    if (policy === null) return
    const status = notFollowed(policy, clock.now())
    if (!isNews(policy.status, status)) return
    await policies.tell(name, status)
    log.warn({ policy: name }, NOT_FOLLOWED)
  }

  /** Told and in the trail, or put back: what is not in the trail did not happen. */
  async #keep (before: MeshPolicy, status: MeshPolicyStatus, entry: NewAuditEntry): Promise<MeshPolicy> {
    const { policies, journal } = this.#parts
    const { name } = before.metadata
    const after = await policies.tell(name, status)
    await journal.record(entry).catch(async (error: unknown) => {
      await policies.tell(name, before.status)
      throw error
    })
    return after
  }

  #evidence (policy: MeshPolicy): Evidence {
    const { proxies, pods, mitigations, clock } = this.#parts
    const members = membersOf(policy, pods.list(), this.#proxied())
    const statuses = proxies.statuses()
    const own = new Set(mitigations.active.filter(({ spec }) => spec.owner.policy === ownerOf(policy.metadata.name)).map(({ metadata }) => metadata.name))
    const refusals = statuses.flatMap(({ podUid, state, message, mitigations: carried, refused }) => [
      ...refused.filter(({ mitigation }) => own.has(mitigation)).map((one) => `${podUid}: ${one.message}`),
      ...(state === 'rejected' && carried.some((name) => own.has(name)) ? [`${podUid}: ${message}`] : []),
    ])
    return evidenceOf(this.#tallies.of(policy), members, {
      inSync: new Set(statuses.filter(({ connected, state }) => connected && state === 'in-sync').map(({ podUid }) => podUid)),
      refusal: refusals[0] ?? null,
    }, isAtTarget(policy.spec, policy.status) ? clock.now() - TARGET_WINDOW_MS : 0)
  }

  #members (policies: readonly MeshPolicy[]): ReadonlyMap<string, Members> {
    const [pods, proxied] = [this.#parts.pods.list(), this.#proxied()]
    return new Map(policies.map((policy) => [policy.metadata.name, membersOf(policy, pods, proxied)]))
  }

  /** By what was injected, or because it connected. */
  #proxied (): ReadonlySet<string> {
    const { pods, proxies } = this.#parts
    const injected = pods.list().filter(({ proxy }) => proxy !== undefined && proxy !== null).map(({ uid }) => uid)
    return new Set([...injected, ...proxies.statuses().map(({ podUid }) => podUid)])
  }

  #followed (): readonly MeshPolicy[] {
    return followedOf(this.#parts.policies.list()).followed
  }
}

/** Whether people would want to know at once. */
function isNews (before: MeshPolicyStatus, after: MeshPolicyStatus): boolean {
  const standing = ({ stage, share, since, hold, conditions }: MeshPolicyStatus): string => JSON.stringify([stage, share, since, hold, conditions.map(({ status, reason, observedGeneration }) => [status, reason, observedGeneration])])
  return standing(before) !== standing(after)
}

function entryOf (policy: MeshPolicy, after: MeshPolicyStatus, what: Outcome['kind'] | Command, reason: string, message: string, evidence: Evidence): NewAuditEntry {
  return {
    actor: ACTOR,
    action: `rollout.${what}`,
    object: ownerOf(policy.metadata.name),
    reason,
    detail: { from: nameOf(policy.status), to: nameOf(after), message, evidence, generation: policy.metadata.generation },
  }
}
