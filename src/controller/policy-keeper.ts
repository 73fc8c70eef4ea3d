import { AutoshieldError } from '../core/errors.ts'
import type { TimeZone } from '../core/policy/time-zone.ts'
import { whyOf, type RuleVerdict } from '../core/policy/why.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { Clock } from '../ports/clock.ts'
import type { Checkpoints } from '../ports/object-store.ts'
import type { PolicySource, Rulebook, ThreatPolicies } from '../ports/threat-policies.ts'
import type { Journal } from './journal.ts'
import type { Log } from './log.ts'
import type { ControllerMetrics } from './metrics.ts'
import { PolicyBook, type Reload } from './policy-book.ts'
import { ThreatPolicyDesk } from './threat-policy-desk.ts'
import { Wake } from './wake.ts'

export interface PolicyKeeperParts {
  readonly source: PolicySource
  /** In a cluster. */
  readonly threatPolicies: ThreatPolicies | undefined
  readonly checkpoints: Checkpoints
  readonly journal: Journal
  readonly clock: Clock
  /** `time.*` is in it. */
  readonly zone: TimeZone
  readonly metrics: ControllerMetrics
  readonly log: Log
}

/** Keeps the book of rules as the policy file and the threat policies of the cluster have them. */
export class PolicyKeeper implements Rulebook {
  readonly book: PolicyBook
  readonly #parts: PolicyKeeperParts
  readonly #threatPolicies: ThreatPolicyDesk | null
  readonly #news = new Wake()

  constructor (parts: PolicyKeeperParts, classes: readonly string[]) {
    this.#parts = parts
    this.book = new PolicyBook(parts.source)
    this.#threatPolicies = parts.threatPolicies === undefined ? null : new ThreatPolicyDesk({ ...parts, policies: parts.threatPolicies, book: this.book }, classes)
  }

  /** Reads everything for the first time. Rejects BAD_DATA where the policy file cannot be understood. */
  async start (): Promise<void> {
    const loaded = await this.reload()
    if (loaded.outcome === 'refused') throw new AutoshieldError('BAD_DATA', loaded.problems.join('\n'))
    this.#threatPolicies?.restore()
    await this.#look()
  }

  why (detection: Detection): readonly RuleVerdict[] {
    return whyOf(this.book.policies, detection, { zone: this.#parts.zone, modelClasses: this.book.classes })
  }

  /** Rules may be about these classes from now on. */
  async meet (classes: readonly string[]): Promise<void> {
    this.book.setClasses(classes)
    this.#threatPolicies?.setClasses(classes)
    await this.reload()
    await this.#look()
    for (const rule of this.book.conditionRules.rules) {
      this.#parts.log.warn({ policy: this.book.ownerOf(rule), line: rule.line, rule: rule.name, class: rule.attackClass }, 'the model does not know the class of a rule, so the rule fires on its condition alone; promote a model that knows it if its scores are to count')
    }
  }

  /** Reads the policy file again; a bad one leaves the old one in force. What it came to is in the log and the trail. */
  async reload (): Promise<Reload> {
    const reload = await this.book.reload()
    if (reload.outcome === 'same') return reload
    const { metrics, log, journal, source: { name } } = this.#parts
    metrics.policyReload(reload.outcome)
    if (reload.outcome === 'loaded') log.info({ policy: name, rules: reload.rules }, 'the policy is in force')
    else log.error({ policy: name, problems: reload.problems }, 'the policy cannot be understood; the old one stays in force')
    await journal.keep({
      writes: () => [],
      audit: [{ actor: 'autoshield', action: `policy.${reload.outcome}`, object: `policy/${name}`, reason: reload.outcome === 'loaded' ? 'Stored' : 'Rejected', detail: { ...reload } }],
    })
    return reload
  }

  /** The threat policies are looked at soon: a status that could not be written is tried again. */
  ring (): void {
    this.#news.ring()
  }

  /** Follows the threat policies until the signal aborts. */
  async run (signal: AbortSignal): Promise<void> {
    const listening = this.#parts.threatPolicies?.onChange(() => this.#news.ring())
    while (await this.#news.next(signal)) await this.#look()
    listening?.[Symbol.dispose]()
  }

  async #look (): Promise<void> {
    await this.#threatPolicies?.look()
  }
}
