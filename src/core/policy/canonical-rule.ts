import { canonicalJson } from '../canonical-json.ts'
import type { Rule } from './rule.ts'

/**
 * One text for a rule as loaded, whatever the order of its keys, its comments or its line; its sha256 is `owner.hash`.
 * Numbers are JSON's, keys sorted; a condition counts by its parsed expression, so neither spacing nor the
 * syntax that it is written in changes it. A rule that does not escalate has the hash that it had before rules could.
 */
export function canonicalRule (rule: Rule): string {
  const { line: _line, condition, escalation, ...rest } = rule
  return canonicalJson({ ...rest, ...(escalation !== 'none' && { escalation }), condition: condition?.expression ?? null })
}
