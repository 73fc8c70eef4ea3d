import { AutoshieldError } from '../core/errors.ts'
import { revert, type Undo } from '../core/mitigation/lifecycle.ts'
import { grown, isToGrow, type Growth } from '../core/mitigation/escalation.ts'
import { followAttack } from '../core/mitigation/time-to-live.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { RestrictionCount } from '../core/mitigation/restriction-count.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { Score } from '../core/verdict/score.ts'
import type { AuditTrail } from '../ports/audit.ts'
import type { Clock } from '../ports/clock.ts'
import type { LoopEvent } from '../ports/loop.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { ProxyFleet, ProxyStatus } from '../ports/proxies.ts'
import { TEMPLATE_ANNOTATION } from '../core/rollout/basis.ts'
import { AttackSigns } from './attack-signs.ts'
import { answeredBy, attackOf } from './mitigation-case.ts'
import type { Amended } from './actuation/plan-watch.ts'
import type { PolicyFleet } from './actuation/policy-actuator.ts'
import type { Journal, NewAuditEntry } from './journal.ts'
import { LeftoverNews } from './leftover-news.ts'
import type { ControllerMetrics } from './metrics.ts'
import { MitigationSet, type Followed, type StatusChange } from './mitigation-set.ts'
import { answersOf, entryOf, outcomesOf } from './mitigation-entry.ts'
import { amendmentsOf, podFollowing, type PodFollowingParts } from './pod-following.ts'
import { ProxyRefusals, refusalsOf } from './refusals.ts'
import { untold } from './untold.ts'

export interface MitigationDeskParts extends PodFollowingParts {
  readonly store: ObjectStore
  /** What was said of proxies before. */
  readonly audit: Pick<AuditTrail, 'search'>
  readonly journal: Journal
  readonly proxies: ProxyFleet
  /** null where no cluster is connected. */
  readonly policies: PolicyFleet | null
  /** Detections that are open now. */
  readonly openDetections: () => readonly Detection[]
  readonly clock: Clock
  readonly metrics: ControllerMetrics
  readonly publish: (event: LoopEvent) => void
}

const MAX_RESTORED = 20_000
/** Among how many of the newest an earlier mitigation of the same case is looked for. */
const MOST_LOOKED_BACK = 500

/** The life of mitigations: put in force, answered by their targets, ended by time or by a person; each step kept and audited. */
export class MitigationDesk {
  readonly #parts: MitigationDeskParts
  readonly #set: MitigationSet
  readonly #refusals: ProxyRefusals
  readonly #signs: AttackSigns
  readonly #leftovers: LeftoverNews

  constructor (parts: MitigationDeskParts) {
    this.#parts = parts
    this.#set = new MitigationSet(parts.proxies, parts.policies)
    this.#refusals = new ProxyRefusals(parts.audit)
    this.#leftovers = new LeftoverNews(parts)
    this.#signs = new AttackSigns({
      open: parts.openDetections,
      triedAt: (name) => this.#set.triedAt(name),
      ended: () => parts.store.mitigations.list({ limit: MOST_LOOKED_BACK }).filter(({ status }) => status.phase !== 'active'),
    })
  }

  get active (): readonly Mitigation[] {
    return this.#set.active
  }

  /** Whether some proxy is waited for, which has to answer by a deadline. */
  get awaits (): boolean {
    return this.#set.awaits
  }

  find (name: string): Mitigation | null {
    return this.#set.get(name) ?? this.#parts.store.mitigations.get(name)
  }

  /**
   * Takes up what was in force; what has expired meanwhile, or lost its pod, is undone first and never handed to a proxy. Resolves to
   * those of which no decision is known.
   */
  async restore (): Promise<readonly Mitigation[]> {
    const stored = this.#parts.store.mitigations.list({ limit: MAX_RESTORED }).toReversed()
    this.#set.restore(stored.filter(({ status }) => status.phase === 'active'))
    const takenOver = await this.#tellUntold(stored)
    await this.expire()
    await this.follow()
    this.#set.apply()
    this.#count()
    return takenOver
  }

  /** The trail gets what the last run did and could not tell of any more. Resolves to what nobody is known to have decided. */
  async #tellUntold (stored: readonly Mitigation[]): Promise<readonly Mitigation[]> {
    const { store, audit, journal } = this.#parts
    const decided = new Set(store.decisions.list({ limit: MAX_RESTORED }).map(({ mitigation }) => mitigation))
    const missing = untold(stored, audit, (name) => decided.has(name))
    if (missing.length > 0) await journal.keep({ writes: () => [], audit: missing.map(({ mitigation, action, reason }) => entryOf(mitigation, action, reason)) })
    return missing.flatMap(({ mitigation, reason }) => reason === 'TakenOver' ? [mitigation] : [])
  }

  /** Puts mitigations in force that are kept already. Those whose time passed while the store refused never begin. */
  async begin (mitigations: readonly Mitigation[]): Promise<void> {
    if (mitigations.length === 0) return
    this.#set.add(mitigations.filter(({ spec }) => Date.parse(spec.expiresAt) > this.#parts.clock.now()))
    this.#set.restore(mitigations.filter(({ metadata }) => this.#set.get(metadata.name) === null))
    for (const mitigation of mitigations) this.#parts.publish({ type: 'mitigation', mitigation })
    this.#count()
    await this.#parts.journal.keep({
      writes: () => [],
      audit: mitigations.map((mitigation) => entryOf(mitigation, 'mitigation.applied', mitigation.status.simulated ? 'Simulated' : 'RuleMatched')),
    })
  }

  /** Ends mitigations that are kept and have not begun: they never are in force. */
  async abandon (mitigations: readonly Mitigation[], undo: Undo): Promise<void> {
    const { clock, store, journal, publish } = this.#parts
    await Promise.all(mitigations.map(async (mitigation) => {
      const ended = revert(mitigation, undo, clock.now()).mitigation
      await journal.keep({
        writes: () => [store.mitigations.put(ended.metadata.name, ended)],
        audit: [{ ...entryOf(ended, 'mitigation.abandoned', undo.reason), actor: undo.actor }],
        then: () => publish({ type: 'mitigation', mitigation: ended }),
      })
    }))
  }

  /**
   * Compares the pods that mitigations name with those that there are. As with an end by time, what holds goes to the proxies at
   * once and its record follows. Resolves to whether anything changed.
   */
  async follow (): Promise<boolean> {
    const { pods, clock } = this.#parts
    if (pods.onChange === undefined || this.#set.active.length === 0) return false
    const look = podFollowing(this.#parts)
    const followed = this.#set.follow((mitigation) => look(mitigation, clock.now()))
    if (followed.length > 0) this.#count()
    await Promise.all(followed.map(async ({ before, following }) => this.#record(before, following)))
    return followed.length > 0
  }

  async #record (before: Mitigation, following: Followed['following']): Promise<void> {
    const { mitigation } = following
    const isEnd = following.outcome === 'ended'
    const more = (mitigation.status.leftOut ?? 0) - (before.status.leftOut ?? 0)
    if (more > 0) this.#parts.metrics.dropped('victim', more)
    await this.#parts.journal.keep({
      writes: () => [this.#put(isEnd ? mitigation : this.#set.get(mitigation.metadata.name))],
      audit: isEnd ? [entryOf(mitigation, 'mitigation.ended', 'SubjectGone')] : amendmentsOf(following),
      then: () => this.#parts.publish({ type: 'mitigation', mitigation }),
    })
  }

  /** Moves the ends of those whose attack goes on, has ended or came back; proxies and policies are told, and the record follows. */
  async followAttacks (): Promise<void> {
    const nowMs = this.#parts.clock.now()
    const signsOf = this.#signs.look(this.#set.active, nowMs)
    const moved = new Map(this.#set.active.flatMap((mitigation) => {
      const change = followAttack(mitigation, signsOf(mitigation), nowMs)
      return change === null ? [] : [[mitigation.metadata.name, change] as const]
    }))
    if (moved.size === 0) return
    await this.#amend(({ metadata: { name } }) => moved.get(name)?.mitigation ?? null, (mitigation, before) => ({
      ...entryOf(mitigation, 'mitigation.end-moved', moved.get(mitigation.metadata.name)?.reason ?? ''),
      detail: { message: mitigation.status.term?.message, from: before.spec.expiresAt, to: mitigation.spec.expiresAt },
    }))
  }

  /** Ends what has run out. The restriction goes at once; its record follows, also through a store that refuses for a while. */
  async expire (): Promise<void> {
    const ended = this.#set.expire(this.#parts.clock.now())
    if (ended.length === 0) return
    this.#count()
    await Promise.all(ended.map(async (mitigation) => this.#parts.journal.keep({
      writes: () => [this.#put(mitigation)],
      audit: [entryOf(mitigation, 'mitigation.expired', 'Expired')],
      then: () => this.#parts.publish({ type: 'mitigation', mitigation }),
    })))
  }

  /** Compares what should hold with what the proxies say. Gives how enforced ones were newly taken, for the circuit breaker. */
  async observe (): Promise<readonly ('succeeded' | 'failed')[]> {
    const statuses = this.#parts.proxies.statuses()
    const changes = this.#set.observe(statuses, this.#parts.clock.now())
    const refusals = this.#refusals.observe(statuses)
    await Promise.all([
      this.#keep(changes, statuses),
      this.#leftovers.look(),
      ...refusals.length === 0 ? [] : [this.#parts.journal.keep({ writes: () => [], audit: refusals })],
    ])
    return changes.filter(({ mitigation }) => mitigation.spec.mode === 'enforce').flatMap(outcomesOf)
  }

  /** Takes over mitigations whose policies are to stand elsewhere, or nowhere. What holds then goes to the targets at once; its record follows. */
  async replanned (amended: readonly Amended[]): Promise<void> {
    if (amended.length === 0) return
    const byName = new Map(amended.map((each) => [each.mitigation.metadata.name, each]))
    await this.#amend(({ metadata: { name } }) => byName.get(name)?.mitigation ?? null, (mitigation, before) => {
      const { outcome, trouble } = byName.get(mitigation.metadata.name)?.outcome ?? {}
      return { ...entryOf(mitigation, 'mitigation.replanned', trouble?.reason ?? ''), detail: { outcome, message: trouble?.message, before: before.spec.policies, policies: mitigation.spec.policies ?? [] } }
    })
  }

  /** Those of a case that attempts get through, and that are to grow if their rule allows it. */
  toGrow (detection: Detection): readonly Mitigation[] {
    const wanted = attackOf(detection)
    return this.#set.active.filter((mitigation) => {
      const { name, annotations } = mitigation.metadata
      return answeredBy(mitigation) === wanted && annotations[TEMPLATE_ANNOTATION] === undefined && isToGrow(mitigation, this.#set.piercedAt(name))
    })
  }

  /** The larger form of one in force, to be kept before `grow`; null where it has ended. */
  async keepGrown (growth: Growth): Promise<void> {
    const mitigation = this.#set.get(growth.mitigation)
    if (mitigation !== null) await this.#put(grown(mitigation, growth, this.#parts.clock.now()))
  }

  /** Puts a larger form in force that is kept. One that has ended meanwhile stays so. */
  async grow (growth: Growth): Promise<void> {
    const { from, to, message, steps } = growth.status
    await this.#amend((mitigation) => mitigation.metadata.name === growth.mitigation ? grown(mitigation, growth, this.#parts.clock.now()) : null, (mitigation) => {
      const entry = entryOf(mitigation, 'mitigation.escalated', 'Escalated')
      return { ...entry, detail: { ...entry.detail, from, to, steps, message } }
    })
  }

  /** Takes in what a score says of attempts that should not get through: `Enforcing`. */
  async seen (score: Score): Promise<void> {
    await this.#keep(this.#set.seen(score, this.#parts.clock.now()))
  }

  /** The same, from what the victims' proxies counted. */
  async counted (counts: readonly RestrictionCount[]): Promise<void> {
    await this.#keep(this.#set.counted(counts, this.#parts.clock.now()))
  }

  /** Takes in what an actuator of the cluster says of one in force. */
  async answered (name: string, change: (mitigation: Mitigation) => Mitigation): Promise<void> {
    await this.#keep(this.#set.answered(name, change))
  }

  /** An undo. Kept before it is done; rejects NOT_FOUND, CONFLICT or, where it could not be kept, UNAVAILABLE. */
  async revert (name: string, undo: Undo): Promise<Mitigation> {
    const found = this.find(name)
    if (found === null) throw new AutoshieldError('NOT_FOUND', `There is no mitigation "${name}": list them with \`autoshield mitigations list\`.`)
    const { clock, store, journal, publish } = this.#parts
    const ended = await this.#set.revert(found, undo, clock.now(), async (mitigation) => {
      await store.mitigations.put(name, mitigation)
      await journal.record({ ...entryOf(mitigation, 'mitigation.reverted', undo.reason), actor: undo.actor, detail: { ...entryOf(mitigation, '', '').detail, reason: undo.why } })
        .catch(async (error: unknown) => {
          await this.#put(found) // what is not in the trail did not happen
          throw error
        })
    })
    this.#count()
    publish({ type: 'mitigation', mitigation: ended })
    return ended
  }

  /** Puts changed forms in force: what holds then goes to proxies and policies at once, and its record follows. `changed`: null for what stays. */
  async #amend (changed: (mitigation: Mitigation) => Mitigation | null, entry: (mitigation: Mitigation, before: Mitigation) => NewAuditEntry): Promise<void> {
    const followed = this.#set.follow((before) => {
      const mitigation = changed(before)
      return mitigation === null ? { outcome: 'same' } : { outcome: 'amended', mitigation, joined: [], left: [], readdressed: [] }
    })
    await Promise.all(followed.map(async ({ before, following: { mitigation } }) => this.#parts.journal.keep({
      writes: () => [this.#put(this.#set.get(mitigation.metadata.name))],
      audit: [entry(mitigation, before)],
      then: () => this.#parts.publish({ type: 'mitigation', mitigation }),
    })))
  }

  async #keep (changes: readonly StatusChange[], statuses: readonly ProxyStatus[] = []): Promise<void> {
    await Promise.all(changes.map(async (change) => this.#parts.journal.keep({
      writes: () => [this.#put(this.#set.get(change.mitigation.metadata.name))],
      audit: [...refusalsOf(change.before, change.mitigation, statuses), ...answersOf(change)],
      then: () => this.#parts.publish({ type: 'mitigation', mitigation: change.mitigation }),
    })))
  }

  /** null: it has ended since, and its end is written by whoever ended it. */
  async #put (mitigation: Mitigation | null): Promise<void> {
    if (mitigation !== null) await this.#parts.store.mitigations.put(mitigation.metadata.name, mitigation)
  }

  #count (): void {
    const simulated = this.#set.active.filter(({ status }) => status.simulated).length
    this.#parts.metrics.mitigations(this.#set.active.length - simulated, simulated)
  }
}
