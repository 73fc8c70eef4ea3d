import { LineCounter } from 'yaml'
import { Compile } from 'typebox/compile'
import { Findings } from './findings.ts'
import { readDocument } from './parse-policy.ts'
import type { Problem } from './problem.ts'
import { readRules } from './read-rule.ts'
import { threatPolicyOwner } from './read-threat-policy.ts'
import { keysOf, oneOf, placeOf, REFUSED, text, type Place } from './readers.ts'
import type { Policy } from './rule.ts'
import { ThreatPolicySpec } from './threat-policy.ts'

export type ParsedThreatPolicy =
  | { readonly ok: true, readonly name: string, readonly spec: ThreatPolicySpec, readonly policy: Policy }
  | { readonly ok: false, readonly problems: readonly Problem[] }

const specCheck = Compile(ThreatPolicySpec)
const API_VERSION = 'autoshield.dev/v1alpha1'
const KEYS = ['apiVersion', 'kind', 'metadata', 'spec', 'status']

/** Whether a file is meant as an object and not as a policy file. */
export const isThreatPolicy = (written: string): boolean => /^kind:\s*["']?ThreatPolicy\b/m.test(written)

/** Reads a file with one ThreatPolicy, as `parsePolicy` reads a policy file: every problem has its line and its mend. Never throws. */
export function parseThreatPolicy (written: string, file: string, classes: readonly string[]): ParsedThreatPolicy {
  const lines = new LineCounter()
  const findings = new Findings(file, written, lines)
  const document = readDocument(written, lines, findings)
  const places = document === null ? null : keysOf(placeOf(document.contents, '', 0), KEYS, findings, 'Write apiVersion, kind, metadata and spec')
  const name = places === null ? REFUSED : nameOf(places, findings)
  const spec = places?.get('spec')
  const rules = spec === undefined ? null : keysOf(spec, ['description', 'rules'], findings, 'Write rules: and a list of rules')?.get('rules')
  const read = rules == null ? REFUSED : readRules(classes)(rules, findings)
  if (rules === undefined) findings.add(spec?.offset ?? 0, 'spec', 'lacks "rules"', 'Add rules: and a list of rules')
  if (places !== null && spec === undefined) findings.add(0, '', 'lacks "spec"', 'Add spec: and below it rules:')
  const value: unknown = document === null ? null : (document.toJS() as { spec?: unknown } | null)?.spec
  if (findings.problems.length > 0 || read === REFUSED || name === REFUSED || !specCheck.Check(value)) {
    if (findings.problems.length === 0) for (const { instancePath, message } of specCheck.Errors(value)) findings.add(spec?.offset ?? 0, `spec${instancePath.replaceAll('/', '.')}`, message, 'See kubectl explain threatpolicy.spec')
    return { ok: false, problems: findings.problems }
  }
  const owner = threatPolicyOwner(name)
  return { ok: true, name, spec: value, policy: { name: owner, rules: read.map((rule) => ({ ...rule, id: `${owner}/${rule.id}` })) } }
}

function nameOf (places: ReadonlyMap<string, Place>, findings: Findings): string | typeof REFUSED {
  const version = places.get('apiVersion')
  if (version === undefined) findings.add(0, '', 'lacks "apiVersion"', `Add apiVersion: ${API_VERSION}`)
  else oneOf([API_VERSION])(version, findings)
  const metadata = places.get('metadata')
  const known = ['name', 'namespace', 'labels', 'annotations', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields', 'finalizers', 'ownerReferences']
  const name = metadata === undefined ? undefined : keysOf(metadata, known, findings, 'Write name: and the name of the policy')?.get('name')
  if (name === undefined) {
    findings.add(metadata?.offset ?? 0, 'metadata', 'lacks "name"', 'Add name: and the name of the policy')
    return REFUSED
  }
  return text(253, 'Write the name of the policy')(name, findings)
}
