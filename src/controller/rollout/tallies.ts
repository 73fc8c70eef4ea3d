import type { Mitigation } from '../../core/mitigation/mitigation.ts'
import type { RestrictionCount } from '../../core/mitigation/restriction-count.ts'
import { ownerOf } from '../../core/rollout/apply.ts'
import type { MeshPolicy } from '../../core/rollout/mesh-policy.ts'
import type { Members } from '../../core/rollout/scope.ts'
import { count, emptyTally, parseTally, seenOf, type Seen, type Tally } from '../../core/rollout/tally.ts'
import { isRecord } from '../../core/kubernetes/read-object.ts'
import type { Score } from '../../core/verdict/score.ts'
import { windowStartMs } from '../../core/window/window.ts'
import type { PodDirectory } from '../../ports/directories.ts'
import type { Checkpoints } from '../../ports/object-store.ts'
import { Budgets } from '../budgets.ts'
import type { Journal } from '../journal.ts'

export interface TalliesParts {
  readonly checkpoints: Checkpoints
  readonly journal: Journal
  readonly pods: PodDirectory
  readonly suspects: () => ReadonlySet<string>
}

const OWNER = ownerOf('')
const CHECKPOINT = 'rollout'

interface Followed {
  readonly members: Members
  /** When its step began. */
  readonly sinceMs: number
  tally: Tally
}

/** What was counted for each policy in its present step. A step that began counts from nothing, also after a restart. */
export class Tallies {
  readonly #parts: TalliesParts
  readonly #followed = new Map<string, Followed>()
  /** Those that each pod is a member of: a score is of one pod, and scores are many. */
  readonly #byPod = new Map<string, Followed[]>()
  readonly #restored = new Map<string, Tally>()
  /** Of rates in shadow, by the mitigation's name. */
  readonly #budgets = new Map<string, Budgets>()
  #touched = false

  constructor (parts: TalliesParts) {
    this.#parts = parts
  }

  /** What was kept and cannot be understood is left out: a rollout waits then, it does not go on. */
  restore (): void {
    const saved = this.#parts.checkpoints.load(CHECKPOINT)
    for (const [name, value] of isRecord(saved) ? Object.entries(saved) : []) {
      const tally = parseTally(value)
      if (tally !== null) this.#restored.set(name, tally)
    }
  }

  /** Which policies there are now, and which pods are theirs. */
  follow (policies: readonly MeshPolicy[], members: ReadonlyMap<string, Members>): void {
    const names = new Set(policies.map(({ metadata }) => metadata.name))
    for (const name of this.#followed.keys()) if (!names.has(name)) this.#followed.delete(name)
    for (const policy of policies) {
      const now = members.get(policy.metadata.name)
      if (now !== undefined) this.#followed.set(policy.metadata.name, { members: now, sinceMs: Date.parse(policy.status.since), tally: this.of(policy) })
    }
    this.#restored.clear()
    this.#byPod.clear()
    for (const followed of this.#followed.values()) {
      for (const uid of [...followed.members.enforcing, ...followed.members.others]) {
        const known = this.#byPod.get(uid)
        if (known === undefined) this.#byPod.set(uid, [followed])
        else known.push(followed)
      }
    }
  }

  of ({ metadata: { name }, status: { since } }: MeshPolicy): Tally {
    const known = this.#followed.get(name)?.tally ?? this.#restored.get(name)
    return known?.since === since ? known : emptyTally(since)
  }

  seen (score: Score): void {
    if (this.#byPod.size === 0) return
    const seen = seenOf(score, (address) => this.#parts.pods.byAddress(address))
    const following = this.#byPod.get(seen?.podUid ?? '')
    if (seen === null || following === undefined || this.#parts.suspects().has(seen.source)) return
    const { podUid, attempts = 0, failed = 0 } = seen
    const atMs = windowStartMs(score.window)
    for (const followed of following) this.#count(followed, { podUid, atMs, attempts, failed })
  }

  /**
   * A proxy counts by source, not by restriction, so a count is every policy's that restricts the source in front of the
   * pod; and where a rule of the policy file stops the same source, it is that policy's, too. Of a rate in shadow, what it
   * would have stopped is not logged, and is reckoned from what passed.
   */
  counted (counts: readonly RestrictionCount[], active: readonly Mitigation[]): void {
    const names = new Set(active.map(({ metadata: { name } }) => name))
    for (const name of this.#budgets.keys()) if (!names.has(name)) this.#budgets.delete(name)
    for (const count of counts) {
      const { podUid, source, atMs, attempts } = count
      if (source === null) continue // whether what was stopped was honest is told by its source
      const concerning = active.filter(({ spec: { subject, victims } }) => subject !== 'anySource' && subject.addresses.includes(source) && victims.some(({ uid }) => uid === podUid))
      const isSuspect = this.#parts.suspects().has(source)
      for (const [owner, restrictions] of Map.groupBy(concerning, ({ spec }) => spec.owner.policy)) {
        const stopped = Math.max(...restrictions.map((mitigation) => this.#stoppedBy(mitigation, count)))
        const followed = owner.startsWith(OWNER) ? this.#followed.get(owner.slice(OWNER.length)) : undefined
        if (followed !== undefined) this.#count(followed, { podUid, atMs, tried: attempts, stopped: isSuspect ? 0 : stopped })
      }
    }
  }

  #stoppedBy (mitigation: Mitigation, count: RestrictionCount): number {
    const { mode, limit } = mitigation.spec
    if (mode === 'enforce' || (limit?.unit !== 'requests/s' && limit?.unit !== 'connections/s')) return count.denied + count.limited + count.shadowed
    const budgets = this.#budgets.get(mitigation.metadata.name) ?? new Budgets()
    this.#budgets.set(mitigation.metadata.name, budgets)
    return budgets.count(mitigation, count)?.through ?? 0
  }

  async checkpoint (): Promise<void> {
    if (!this.#touched) return
    this.#touched = false
    const saved = Object.fromEntries([...this.#followed].map(([name, { tally }]) => [name, tally]))
    await this.#parts.journal.keep({ writes: () => [this.#parts.checkpoints.save(CHECKPOINT, saved)], audit: [] })
  }

  /** What was seen before a step began says nothing of it. */
  #count (followed: Followed, seen: Seen): void {
    if (seen.atMs < followed.sinceMs) return
    const after = count(followed.tally, followed.members, seen)
    this.#touched ||= after !== followed.tally
    followed.tally = after
  }
}
