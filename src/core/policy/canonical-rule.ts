import type { Rule } from './rule.ts'

/**
 * One text for a rule as loaded, whatever the order of its keys, its comments or its line; its sha256 is `owner.hash`.
 * Numbers are JSON's, keys sorted; a condition counts by its parsed expression, so spacing does not change it.
 */
export function canonicalRule (rule: Rule): string {
  const { line: _line, condition, ...rest } = rule
  return canonicalJson({ ...rest, condition: condition?.expression ?? null })
}

function canonicalJson (value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const pairs = Object.entries(value).toSorted(([left], [right]) => left < right ? -1 : 1)
  return `{${pairs.map(([key, part]) => `${JSON.stringify(key)}:${canonicalJson(part)}`).join(',')}}`
}
