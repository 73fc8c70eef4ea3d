import { canonicalRule } from './canonical-rule.ts'
import type { Policy } from './rule.ts'

/** Ids of rules, by what became of them. */
export interface PolicyChanges {
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
  readonly same: readonly string[]
}

/** How one policy differs from another in what its rules mean, whatever their order. `before` is null where there was none. */
export function policyChanges (before: Policy | null, after: Policy): PolicyChanges {
  const old = new Map((before?.rules ?? []).map((rule) => [rule.id, canonicalRule(rule)]))
  const of = (wanted: (known: string | undefined, now: string) => boolean): string[] => after.rules.filter((rule) => wanted(old.get(rule.id), canonicalRule(rule))).map(({ id }) => id)
  const ids = new Set(after.rules.map(({ id }) => id))
  return {
    added: of((known) => known === undefined),
    changed: of((known, now) => known !== undefined && known !== now),
    removed: [...old.keys()].filter((id) => !ids.has(id)),
    same: of((known, now) => known === now),
  }
}
