import { isDeepStrictEqual } from 'node:util'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../core/errors.ts'
import { readThreatPolicy, threatPolicyOwner } from '../core/policy/read-threat-policy.ts'
import type { Policy } from '../core/policy/rule.ts'
import { threatPolicyStatus, type Look } from '../core/policy/threat-policy-status.ts'
import { MAX_THREAT_POLICIES, type ThreatPolicy } from '../core/policy/threat-policy.ts'
import type { Clock } from '../ports/clock.ts'
import type { Checkpoints } from '../ports/object-store.ts'
import type { ThreatPolicies } from '../ports/threat-policies.ts'
import type { Journal, NewAuditEntry } from './journal.ts'
import type { Log } from './log.ts'
import type { ControllerMetrics } from './metrics.ts'
import type { PolicyBook } from './policy-book.ts'

export interface ThreatPolicyDeskParts {
  readonly policies: ThreatPolicies
  readonly book: PolicyBook
  readonly checkpoints: Checkpoints
  readonly journal: Journal
  readonly clock: Clock
  readonly metrics: ControllerMetrics
  readonly log: Log
}

const CHECKPOINT = 'threatpolicies'
/** The newest spec of each policy that was understood, so that a bad edit takes nothing away, over a restart too. */
const Saved = Type.Record(Type.String(), Type.Object({ uid: Type.String(), generation: Type.Integer(), spec: Type.Unknown() }))
type Saved = Static<typeof Saved>
const saved = Compile(Saved)

/** What is in force of one policy. */
interface Held {
  readonly uid: string
  readonly generation: number
  readonly spec: unknown
  readonly policy: Policy
}

/** What the newest spec came to, so that it is told once. */
interface Judged {
  readonly key: string
  readonly look: Look
}

/** Follows the threat policies of a cluster: their rules into the book, what became of them into their status and the trail. */
export class ThreatPolicyDesk {
  readonly #parts: ThreatPolicyDeskParts
  readonly #held = new Map<string, Held>()
  readonly #judged = new Map<string, Judged>()
  #classes: readonly string[]

  constructor (parts: ThreatPolicyDeskParts, classes: readonly string[]) {
    this.#parts = parts
    this.#classes = classes
  }

  /** Takes up what was understood by the last run. */
  restore (): void {
    const kept = this.#parts.checkpoints.load(CHECKPOINT)
    if (!saved.Check(kept)) return
    for (const [name, { uid, generation, spec }] of Object.entries(kept)) {
      const read = readThreatPolicy(name, spec, this.#classes)
      if (read.ok) this.#held.set(name, { uid, generation, spec, policy: read.policy })
    }
  }

  setClasses (classes: readonly string[]): void {
    this.#classes = classes
  }

  /** Looks at every policy. Resolves when what is in force is kept; a status that cannot be written is tried again. */
  async look (): Promise<void> {
    const { policies, book } = this.#parts
    const all = policies.list()
    const followed = new Set(all.toSorted(oldestFirst).slice(0, MAX_THREAT_POLICIES).map(({ metadata: { name } }) => name))
    const news = [
      ...this.#forget(new Map(all.map(({ metadata: { name, uid } }) => [name, uid]))),
      ...all.flatMap((policy) => this.#judge(policy, followed.has(policy.metadata.name))),
    ]
    book.setOthers(all.flatMap(({ metadata: { name } }) => this.#held.get(name)?.policy ?? []))
    if (news.length > 0) await this.#keep(news)
    await Promise.all(all.map(async (policy) => this.#tell(policy)))
  }

  /** Policies that are gone, or that others took the place of under their name. */
  #forget (uids: ReadonlyMap<string, string>): NewAuditEntry[] {
    for (const name of this.#judged.keys()) if (!uids.has(name)) this.#judged.delete(name)
    const gone = [...this.#held].filter(([name, { uid }]) => uids.get(name) !== uid)
    for (const [name] of gone) this.#held.delete(name)
    return gone.map(([name, { generation }]) => ({ actor: 'autoshield', action: 'policy.removed', object: threatPolicyOwner(name), reason: 'Understood', detail: { generation } }))
  }

  #judge ({ metadata: { name, uid, generation }, spec }: ThreatPolicy, followed: boolean): NewAuditEntry[] {
    const key = `${uid} ${generation} ${String(followed)} ${this.#classes.join()}`
    if (this.#judged.get(name)?.key === key) return []
    const entry = (action: string, reason: string, detail: Record<string, unknown>): NewAuditEntry => ({ actor: 'autoshield', action, object: threatPolicyOwner(name), reason, detail: { generation, ...detail } })
    if (!followed) {
      this.#judged.set(name, { key, look: { outcome: 'not-followed' } })
      this.#held.delete(name)
      return [entry('policy.refused', 'NotFollowed', {})]
    }
    const read = readThreatPolicy(name, spec, this.#classes)
    const { log, metrics } = this.#parts
    metrics.policyReload(read.ok ? 'loaded' : 'refused')
    if (!read.ok) {
      this.#judged.set(name, { key, look: { outcome: 'not-understood', problems: read.problems } })
      log.error({ policy: threatPolicyOwner(name), problems: read.problems }, 'a threat policy cannot be understood; what was in force of it stays')
      return [entry('policy.refused', 'NotUnderstood', { problems: read.problems })]
    }
    this.#judged.set(name, { key, look: { outcome: 'understood' } })
    const before = this.#held.get(name)
    this.#held.set(name, { uid, generation, spec, policy: read.policy })
    log.info({ policy: threatPolicyOwner(name), rules: read.policy.rules.length }, 'a threat policy is in force')
    return before?.generation === generation ? [] : [entry('policy.loaded', 'Understood', { rules: read.policy.rules.length })]
  }

  async #keep (news: readonly NewAuditEntry[]): Promise<void> {
    const { journal, checkpoints } = this.#parts
    const state = (): Saved => Object.fromEntries([...this.#held].map(([name, { uid, generation, spec }]) => [name, { uid, generation, spec }]))
    await journal.keep({ writes: () => [checkpoints.save(CHECKPOINT, state())], audit: news })
  }

  async #tell (policy: ThreatPolicy): Promise<void> {
    const { name } = policy.metadata
    const judged = this.#judged.get(name)
    if (judged === undefined) return
    const held = this.#held.get(name)
    const inForce = held === undefined ? null : { rules: held.policy.rules.length, generation: held.generation }
    const status = threatPolicyStatus(policy, judged.look, inForce, this.#parts.clock.now())
    if (isDeepStrictEqual(status, policy.status)) return
    try {
      await this.#parts.policies.tell(name, status)
    } catch (thrown) {
      const error = AutoshieldError.from(thrown)
      if (error.code !== 'NOT_FOUND') this.#parts.log.warn({ policy: threatPolicyOwner(name), error: error.message }, 'the status of a threat policy could not be written; it is tried again')
    }
  }
}

function oldestFirst ({ metadata: left }: ThreatPolicy, { metadata: right }: ThreatPolicy): number {
  const byTime = Date.parse(left.creationTimestamp) - Date.parse(right.creationTimestamp)
  return byTime !== 0 ? byTime : left.name < right.name ? -1 : 1
}
