import { AutoshieldError } from '../core/errors.ts'
import type { Following } from '../core/mitigation/follow-pods.ts'
import { expire, isAwaited, observeAttempts, revert, withTargets, type Undo } from '../core/mitigation/lifecycle.ts'
import type { Condition, Mitigation } from '../core/mitigation/mitigation.ts'
import type { RestrictionCount } from '../core/mitigation/restriction-count.ts'
import type { Score } from '../core/verdict/score.ts'
import type { ProxyFleet, ProxyStatus } from '../ports/proxies.ts'
import type { PolicyFleet } from './actuation/policy-actuator.ts'
import { attemptsSeen } from './attempts-seen.ts'
import { ProxyEvidence } from './proxy-evidence.ts'

/** How a mitigation changed when its targets answered. */
export interface StatusChange {
  readonly before: Mitigation
  readonly mitigation: Mitigation
  /** Conditions that have another status or reason than before. */
  readonly conditions: readonly Condition[]
}

/** What became of a mitigation when pods came or went. */
export interface Followed {
  readonly before: Mitigation
  readonly following: Exclude<Following, { outcome: 'same' }>
}

/**
 * The mitigations in force, and the one place that changes them. The proxies and the policies are handed the whole set whenever
 * it changes, so nothing depends on what they were told before.
 */
export class MitigationSet {
  readonly #proxies: ProxyFleet
  readonly #policies: PolicyFleet | null
  readonly #active = new Map<string, Mitigation>()
  /** Taken back by a person, while that is being written. */
  readonly #ending = new Set<string>()
  readonly #evidence = new ProxyEvidence()
  /** When an attempt at what a mitigation forbids was seen last, Unix ms. */
  readonly #tried = new Map<string, number>()
  /** When the newest stretch began in which attempts got through, Unix ms. */
  readonly #pierced = new Map<string, number>()

  /** `policies`: null where no cluster is connected. */
  constructor (proxies: ProxyFleet, policies: PolicyFleet | null) {
    this.#proxies = proxies
    this.#policies = policies
  }

  get active (): readonly Mitigation[] {
    return [...this.#active.values()]
  }

  get (name: string): Mitigation | null {
    return this.#active.get(name) ?? null
  }

  /** Takes up what the store says is in force; `apply` hands it on. */
  restore (mitigations: readonly Mitigation[]): void {
    for (const mitigation of mitigations) this.#active.set(mitigation.metadata.name, mitigation)
  }

  /** Puts them in force. */
  add (mitigations: readonly Mitigation[]): void {
    this.restore(mitigations)
    this.apply()
  }

  /** Unix ms at which an attempt at what it forbids was seen last; null for none since this process began. */
  triedAt (name: string): number | null {
    return this.#tried.get(name) ?? null
  }

  /** Unix ms at which the newest stretch began in which attempts got through it; null for none since this process began. */
  piercedAt (name: string): number | null {
    return this.#pierced.get(name) ?? null
  }

  apply (): void {
    this.#evidence.keepOnly(this.active)
    for (const map of [this.#tried, this.#pierced]) for (const name of map.keys()) if (!this.#active.has(name)) map.delete(name)
    this.#proxies.apply(this.active)
    this.#policies?.apply(this.active)
  }

  /** Ends those whose time has passed, whether or not anybody can write it down: a restriction never outlives its TTL. */
  expire (nowMs: number): readonly Mitigation[] {
    const ended = this.active.flatMap((mitigation) => {
      const ending = expire(mitigation, nowMs)
      return ending.outcome === 'ended' ? [ending.mitigation] : []
    })
    for (const { metadata } of ended) this.#active.delete(metadata.name)
    if (ended.length > 0) this.apply()
    return ended
  }

  /** Amends or ends those whose pods are not what they were, and hands on what holds then. `look` says what becomes of each. */
  follow (look: (mitigation: Mitigation) => Following): readonly Followed[] {
    const followed = this.active.filter(({ metadata }) => !this.#ending.has(metadata.name)).flatMap((before) => {
      const following = look(before)
      return following.outcome === 'same' ? [] : [{ before, following }]
    })
    for (const { following: { outcome, mitigation } } of followed) {
      if (outcome === 'ended') this.#active.delete(mitigation.metadata.name)
      else this.#active.set(mitigation.metadata.name, mitigation)
    }
    if (followed.length > 0) this.apply()
    return followed
  }

  /** Whether some proxy is waited for: then `observe` may say something new without news of any. */
  get awaits (): boolean {
    return this.#active.values().some(isAwaited)
  }

  /** Compares every mitigation with what its targets say now; before anybody has told of proxies, only of those with policies anything is concluded. */
  observe (statuses: readonly ProxyStatus[], nowMs: number): readonly StatusChange[] {
    const heard = this.#proxies.heard()
    return this.active.flatMap((before) => {
      const policies = this.#policies?.standingOf(before.metadata.name) ?? null
      return heard || policies !== null ? this.#replace(before, withTargets(before, statuses, policies, nowMs)) : []
    })
  }

  /** Compares every denial with what a score says of its subject's attempts. */
  seen (score: Score, nowMs: number): readonly StatusChange[] {
    if (this.#active.size === 0) return []
    return this.active.flatMap((before) => {
      const attempts = attemptsSeen(before, score)
      if (attempts === null) return []
      this.#note(before.metadata.name, attempts, attempts.sinceMs, nowMs)
      return this.#replace(before, observeAttempts(before, attempts, nowMs))
    })
  }

  /** Compares every restriction with what the victims' proxies counted of it. */
  counted (counts: readonly RestrictionCount[], nowMs: number): readonly StatusChange[] {
    return this.#evidence.take(this.active, counts, (name, counted, atMs) => this.#note(name, counted, atMs, nowMs), nowMs).flatMap(({ before, after }) => this.#replace(before, after))
  }

  #note (name: string, { attempts, through }: { readonly attempts: number, readonly through: number }, sinceMs: number, nowMs: number): void {
    if (attempts > 0) this.#tried.set(name, nowMs)
    if (through > 0) this.#pierced.set(name, Math.max(sinceMs, this.#pierced.get(name) ?? 0))
  }

  /** Takes in what an actuator says of one; none where it has ended. */
  answered (name: string, change: (mitigation: Mitigation) => Mitigation): readonly StatusChange[] {
    const before = this.#active.get(name)
    return before === undefined ? [] : this.#replace(before, change(before))
  }

  #replace (before: Mitigation, mitigation: Mitigation): StatusChange[] {
    const { name } = before.metadata
    if (mitigation === before || this.#ending.has(name) || JSON.stringify(mitigation.status) === JSON.stringify(before.status)) return []
    this.#active.set(name, mitigation)
    const conditions = mitigation.status.conditions.filter((condition) => !before.status.conditions.some(
      (old) => old.type === condition.type && old.status === condition.status && old.reason === condition.reason))
    return [{ before, mitigation, conditions }]
  }

  /**
   * An undo: written first by `keep`, then taken from the proxies. Rejects as `keep` does, and then it stays in
   * force. Throws CONFLICT where another undo of it is under way.
   */
  async revert (mitigation: Mitigation, undo: Undo, nowMs: number, keep: (ended: Mitigation) => Promise<void>): Promise<Mitigation> {
    const { name } = mitigation.metadata
    const ending = revert(this.#active.get(name) ?? mitigation, undo, nowMs)
    if (ending.outcome === 'already-ended') {
      throw new AutoshieldError('CONFLICT', `Mitigation ${name} has ended already (${ending.mitigation.status.phase}): there is nothing left to undo.`)
    }
    if (this.#ending.has(name)) throw new AutoshieldError('CONFLICT', `Mitigation ${name} is being undone by somebody else: wait a moment.`)
    this.#ending.add(name)
    try {
      await keep(ending.mitigation)
      this.#active.delete(name)
      this.apply()
    } finally {
      this.#ending.delete(name)
    }
    return ending.mitigation
  }
}
