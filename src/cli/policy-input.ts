import { parse } from 'yaml'
import { AutoshieldError } from '../core/errors.ts'
import { parsePolicy } from '../core/policy/parse-policy.ts'
import { isThreatPolicy, parseThreatPolicy } from '../core/policy/parse-threat-policy.ts'
import { formatProblem, type Problem } from '../core/policy/problem.ts'
import type { Policy } from '../core/policy/rule.ts'
import type { ThreatPolicySpec } from '../core/policy/threat-policy.ts'
import { readInput } from './read-input.ts'

/** A policy file as it was written, or a ThreatPolicy. */
export type PolicyInput =
  | { readonly kind: 'file', readonly policy: Policy, readonly written: unknown }
  | { readonly kind: 'object', readonly policy: Policy, readonly name: string, readonly spec: ThreatPolicySpec }

export type ReadPolicyInput =
  | { readonly ok: true, readonly input: PolicyInput }
  | { readonly ok: false, readonly problems: readonly Problem[] }

/** `classes` are those that rules may be about without a condition. Throws NOT_FOUND where there is no such file. */
export async function readPolicyInput (file: string, classes: readonly string[]): Promise<ReadPolicyInput> {
  return policyInputOf(await readInput(file, 'readable policy file'), file, classes)
}

function policyInputOf (text: string, file: string, classes: readonly string[]): ReadPolicyInput {
  if (isThreatPolicy(text)) {
    const parsed = parseThreatPolicy(text, file, classes)
    return parsed.ok ? { ok: true, input: { kind: 'object', policy: parsed.policy, name: parsed.name, spec: parsed.spec } } : parsed
  }
  const parsed = parsePolicy(text, file, classes)
  return parsed.ok ? { ok: true, input: { kind: 'file', policy: parsed.policy, written: parse(text) as unknown } } : parsed
}

/** Throws BAD_DATA with every problem, beside NOT_FOUND. */
export async function goodPolicyInput (file: string, classes: readonly string[]): Promise<PolicyInput> {
  return goodPolicyInputOf(await readInput(file, 'readable policy file'), file, classes)
}

/** Of its text. Throws BAD_DATA with every problem. */
export function goodPolicyInputOf (text: string, file: string, classes: readonly string[]): PolicyInput {
  const read = policyInputOf(text, file, classes)
  if (!read.ok) throw new AutoshieldError('BAD_DATA', read.problems.map(formatProblem).join('\n'))
  return read.input
}
