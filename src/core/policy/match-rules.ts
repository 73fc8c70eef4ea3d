import type { Detection, Endpoint } from '../verdict/detection.ts'
import { FEATURES } from '../window/window.ts'
import { evaluate } from './condition/evaluate.ts'
import { exactly, showNumber, type FactValue, type Lookup } from './condition/fact-value.ts'
import { featureOver, type KeyTensor } from './key-features.ts'
import type { Policy, Rule } from './rule.ts'
import type { TimeZone } from './time-zone.ts'

/** All that a rule may be asked about. */
export interface Facts {
  /** null: a closed window of a key is judged without a detection, for rules whose class the model does not know. */
  readonly detection: Pick<Detection, 'class' | 'kind' | 'confidence' | 'count'> | null
  readonly source: Endpoint | null
  readonly target: Endpoint | null
  /** The newest tensors of the key that are at hand, at most one a step. */
  readonly tensors: readonly KeyTensor[]
  /** Unix ms at which `time.*` is read: the end of the newest window, so that a replay is judged by its own clock. */
  readonly atMs: number
  /** `time.*` is in it. */
  readonly zone: TimeZone
  /** Classes of the loaded model. */
  readonly modelClasses: readonly string[]
}

/** `condition`: what it came to; null where it was not asked, or there is none. */
export type RuleOutcome =
  | { readonly fired: true, readonly rule: Rule, readonly reason: 'RuleMatched', readonly message: string, readonly condition: true | null }
  | { readonly fired: false, readonly rule: Rule, readonly reason: 'NoRule' | 'RuleDisabled' | 'BelowThreshold' | 'ConditionFalse', readonly message: string, readonly condition: false | 'unknown' | null }

/** Every rule in the file's order, fired or not, each with the comparison that decided. */
export function matchRules (policy: Policy, facts: Facts): readonly RuleOutcome[] {
  return policy.rules.map((rule) => matchRule(rule, facts))
}

/** Enabled rules about classes that the model does not know, and that have a condition: judged for each key at each closed window. */
export const onConditionAlone = ({ rules }: Policy, modelClasses: readonly string[]): readonly Rule[] =>
  rules.filter(({ enabled, attackClass, condition }) => enabled && condition !== null && !modelClasses.includes(attackClass))

/**
 *     enabled | class of the rule  | detection              | threshold | condition        | outcome
 *     no      | -                  | -                      | -         | -                | RuleDisabled
 *     yes     | the model's        | none, of another class | -         | -                | NoRule
 *     yes     | the model's        | of its class           | not met   | -                | BelowThreshold
 *     yes     | the model's        | of its class           | met       | false or unknown | ConditionFalse
 *     yes     | the model's        | of its class           | met       | none or true     | RuleMatched
 *     yes     | not the model's    | of another class       | -         | -                | NoRule
 *     yes     | not the model's    | none, of its class     | -         | none             | NoRule
 *     yes     | not the model's    | none, of its class     | -         | false or unknown | ConditionFalse
 *     yes     | not the model's    | none, of its class     | -         | true             | RuleMatched
 */
function matchRule (rule: Rule, facts: Facts): RuleOutcome {
  const { detection } = facts
  const not = (reason: Exclude<RuleOutcome['reason'], 'RuleMatched'>, message: string, condition: false | 'unknown' | null = null): RuleOutcome => ({ fired: false, rule, reason, message, condition })
  const ofModel = facts.modelClasses.includes(rule.attackClass)
  if (!rule.enabled) return not('RuleDisabled', `rule ${quote(rule)} is disabled`)
  if (detection === null ? ofModel : detection.class !== rule.attackClass) {
    return not('NoRule', `rule ${quote(rule)} is about ${rule.attackClass}, not ${detection?.class ?? 'a window without a detection'}`)
  }
  if (ofModel && detection !== null && detection.confidence < rule.confidenceThreshold) {
    return not('BelowThreshold', `confidence ${showNumber(detection.confidence)} is under the ${showNumber(rule.confidenceThreshold)} of rule ${quote(rule)}`)
  }
  if (rule.condition === null && !ofModel) return not('NoRule', `the model does not know ${rule.attackClass} and rule ${quote(rule)} has no condition`)
  const sure = ofModel && detection !== null ? `confidence ${showNumber(detection.confidence)} is at or above the ${showNumber(rule.confidenceThreshold)} of rule ${quote(rule)}` : ''
  if (rule.condition === null) return { fired: true, rule, reason: 'RuleMatched', message: sure, condition: null }
  const { value, words } = evaluate(rule.condition.expression, lookupIn(rule, facts))
  if (value !== true) return not('ConditionFalse', `the condition of rule ${quote(rule)} does not hold: ${words}`, value)
  const holds = sure === '' ? `the condition of rule ${quote(rule)} holds: ${words}` : `${sure}, and its condition holds: ${words}`
  return { fired: true, rule, reason: 'RuleMatched', message: holds, condition: true }
}

const quote = (rule: Rule): string => JSON.stringify(rule.name)

function lookupIn (rule: Rule, facts: Facts): Lookup {
  return (fact) => {
    const [group = '', name = ''] = fact.split('.')
    switch (group) {
      case 'features': return featureFact(rule, facts, name)
      case 'time': return timeFact(facts, name)
      case 'detection': return known(facts.detection, name, 'no detection is judged')
      case 'source': return known(facts.source, name, 'it is no known pod\'s')
      case 'target': return known(facts.target, name, 'it is no known pod\'s')
      default: return { type: 'unknown', why: 'there is no such fact' }
    }
  }
}

function featureFact (rule: Rule, facts: Facts, name: string): FactValue {
  const feature = FEATURES.find((candidate) => candidate === name)
  if (feature === undefined) return { type: 'unknown', why: 'there is no such feature' }
  return featureOver(rule.windowSeconds, facts.tensors, facts.atMs, feature)
}

function timeFact (facts: Facts, name: string): FactValue {
  const { month, day, hour, minute, weekday } = facts.zone.at(facts.atMs)
  return known({ month, day, hour, minute, weekday }, name, 'there is no such part of time')
}

function known (from: object | null, name: string, why: string): FactValue {
  const value: unknown = from === null ? undefined : Object.getOwnPropertyDescriptor(from, name)?.value
  if (typeof value === 'number') return exactly(value)
  return typeof value === 'string' ? { type: 'text', text: value } : { type: 'unknown', why }
}
