import { createHash } from 'node:crypto'
import { CLASSES } from '../core/classes.ts'
import { AutoshieldError } from '../core/errors.ts'
import { canonicalRule } from '../core/policy/canonical-rule.ts'
import { onConditionAlone } from '../core/policy/match-rules.ts'
import { parsePolicy } from '../core/policy/parse-policy.ts'
import { formatProblem } from '../core/policy/problem.ts'
import type { Policy, Rule } from '../core/policy/rule.ts'
import type { PolicySource } from '../ports/threat-policies.ts'

/** What a look at the source came to. */
export type Reload =
  | { readonly outcome: 'same' }
  | { readonly outcome: 'loaded', readonly rules: number }
  /** The old set stays in force. `problems` are lines with file, place and mend. */
  | { readonly outcome: 'refused', readonly problems: readonly string[] }

/**
 * The rules in force: those of the policy file, then those of threat policies by name. The file's change as a whole, each
 * policy's as a whole, and only to a set that was understood. None goes before another: every rule that fires is followed.
 */
export class PolicyBook {
  readonly #source: PolicySource
  #file: Policy
  #others: readonly Policy[] = []
  #policy: Policy
  #conditionRules: Policy
  #owners: ReadonlyMap<Rule, string> = new Map()
  readonly #hashes = new WeakMap<Rule, string>()
  #version = 0
  /** null before a detector has said which model it has. */
  #classes: readonly string[] | null = null
  /** Text and classes that were looked at last, taken or refused. */
  #seen = ''
  /** Text of the set in force. */
  #text: string | null = null

  constructor (source: PolicySource) {
    this.#source = source
    this.#file = this.#policy = this.#conditionRules = { name: source.name, rules: [] }
  }

  /** All rules, under the name of the file. */
  get policy (): Policy {
    return this.#policy
  }

  /** Each policy by itself, the file first. */
  get policies (): readonly Policy[] {
    return [this.#file, ...this.#others]
  }

  /** The model's; those of the shipped one before any is known. */
  get classes (): readonly string[] {
    return this.#classes ?? CLASSES
  }

  /** The policy that a rule is of: the file, or `threatpolicy/NAME`. */
  ownerOf (rule: Rule): string {
    return this.#owners.get(rule) ?? this.#file.name
  }

  /** Puts the rules of threat policies in force, in place of those before. */
  setOthers (policies: readonly Policy[]): void {
    if (policies.length === this.#others.length && policies.every((policy, index) => policy === this.#others[index])) return
    this.#others = policies
    this.#version++
    this.#join()
  }

  /** Counts the sets that were taken. */
  get version (): number {
    return this.#version
  }

  /** sha256 of the rule as loaded. */
  hashOf (rule: Rule): string {
    const known = this.#hashes.get(rule) ?? createHash('sha256').update(canonicalRule(rule)).digest('hex')
    this.#hashes.set(rule, known)
    return known
  }

  /** Rules about classes that the model does not know, and that have a condition: judged for each key at each closed window. */
  get conditionRules (): Policy {
    return this.#conditionRules
  }

  /** Rules may be about the model's classes; a change is looked at by the next `reload`. */
  setClasses (classes: readonly string[]): void {
    this.#classes = classes
    this.#join()
  }

  /** Reads the source again. Never throws: what cannot be read is refused like what cannot be understood. */
  async reload (): Promise<Reload> {
    let text: string
    try {
      text = await this.#source.read()
    } catch (error) {
      return this.#refuse(`unreadable ${this.classes.join()}`, [AutoshieldError.from(error).message])
    }
    const seen = `${this.#classes?.join() ?? 'unknown'} ${text}`
    if (seen === this.#seen) return { outcome: 'same' }
    const parsed = parsePolicy(text, this.#source.name, this.#classes)
    if (!parsed.ok) return this.#refuse(seen, parsed.problems.map(formatProblem))
    this.#seen = seen
    const same = text === this.#text // read anew for other classes alone
    this.#text = text
    this.#file = parsed.policy
    this.#version++
    this.#join()
    return same ? { outcome: 'same' } : { outcome: 'loaded', rules: parsed.policy.rules.length }
  }

  #join (): void {
    this.#policy = { name: this.#file.name, rules: [this.#file, ...this.#others].flatMap(({ rules }) => rules) }
    this.#owners = new Map(this.#others.flatMap(({ name, rules }) => rules.map((rule) => [rule, name] as const)))
    this.#conditionRules = { name: this.#policy.name, rules: onConditionAlone(this.#policy, this.classes) }
  }

  #refuse (seen: string, problems: readonly string[]): Reload {
    if (seen === this.#seen) return { outcome: 'same' }
    this.#seen = seen
    return { outcome: 'refused', problems }
  }
}
