import type { Problem } from './problem.ts'
import type { Policy } from './rule.ts'

export type ParsedPolicy =
  | { readonly ok: true, readonly policy: Policy }
  | { readonly ok: false, readonly problems: readonly Problem[] }

/** Never throws. Refuses the whole file with every problem found (at most 100), or takes all of it. `classes` are the model's; those of the shipped one by default. */
export declare function parsePolicy (text: string, file: string, classes?: readonly string[]): ParsedPolicy
