import { stringify } from 'yaml'
import { isRecord } from '../kubernetes/read-object.ts'
import { parsePolicy } from './parse-policy.ts'
import type { Problem } from './problem.ts'
import type { Policy } from './rule.ts'
import { MAX_PROBLEMS_TOLD } from './threat-policy.ts'

export type ReadThreatPolicy =
  | { readonly ok: true, readonly policy: Policy }
  /** Each names the place, what is wrong there, and the mend. */
  | { readonly ok: false, readonly problems: readonly string[] }

/** What decisions and mitigations name as their policy. */
export const threatPolicyOwner = (name: string): string => `threatpolicy/${name}`

/**
 * The rules of a ThreatPolicy, read as the policy file's are. Their ids begin with the policy's name, so that no two
 * policies share one: cooldowns, budgets and mitigations go by it.
 */
export function readThreatPolicy (name: string, spec: unknown, classes: readonly string[]): ReadThreatPolicy {
  const owner = threatPolicyOwner(name)
  const rules: unknown = isRecord(spec) ? spec['rules'] : undefined
  const parsed = parsePolicy(stringify({ rules }, { aliasDuplicateObjects: false }), owner, classes)
  if (!parsed.ok) return { ok: false, problems: parsed.problems.map(inSpec).slice(0, MAX_PROBLEMS_TOLD) }
  return { ok: true, policy: { name: owner, rules: parsed.policy.rules.map((rule) => ({ ...rule, id: `${owner}/${rule.id}` })) } }
}

/** Lines are the file's, and an object has none. */
const inSpec = ({ path, message, mend }: Problem): string => `spec${path === '' ? '' : `.${path}`}: ${message}. ${mend}.`.slice(0, 2048)
