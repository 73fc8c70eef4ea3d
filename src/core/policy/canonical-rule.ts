import type { Rule } from './rule.ts'

/** One text for rules that mean the same, whatever their order of keys, comments or place; its sha256 is `owner.hash`. */
export declare function canonicalRule (rule: Rule): string
