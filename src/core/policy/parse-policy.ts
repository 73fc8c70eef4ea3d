import { LineCounter, parseDocument, type Document } from 'yaml'
import { CLASSES } from '../classes.ts'
import { Findings } from './findings.ts'
import type { Problem } from './problem.ts'
import { readRules } from './read-rule.ts'
import { keysOf, placeOf, REFUSED } from './readers.ts'
import type { Policy, Rule } from './rule.ts'

/** The worst text of this length (nothing but opening brackets) keeps the YAML parser busy for 0.4 s. */
const MAX_CHARACTERS = 131_072

export type ParsedPolicy =
  | { readonly ok: true, readonly policy: Policy }
  | { readonly ok: false, readonly problems: readonly Problem[] }

/**
 * Reads a policy file: `rules:` (or `policies:`) with a list of rules. Never throws.
 * Refuses the whole file with every problem found (at most 100), or takes all of it.
 * `classes` are the model's, those of the shipped one by default: a rule about none of them needs a condition. null: nobody knows them yet, and
 * a rule may be about any.
 */
export function parsePolicy (text: string, file: string, classes: readonly string[] | null = CLASSES): ParsedPolicy {
  const lines = new LineCounter()
  const findings = new Findings(file, text, lines)
  const document = readDocument(text, lines, findings)
  const rules = document === null ? REFUSED : readTop(document, findings, classes)
  const { problems } = findings
  if (rules === REFUSED || problems.length > 0) return { ok: false, problems }
  return { ok: true, policy: { name: file, rules } }
}

function readTop (document: Document.Parsed, findings: Findings, classes: readonly string[] | null): readonly Rule[] | typeof REFUSED {
  const mend = 'Begin with rules: and a list of rules'
  const places = keysOf(placeOf(document.contents, '', 0), ['rules', 'policies'], findings, mend)
  const rules = places?.get('rules')
  const policies = places?.get('policies')
  if (rules !== undefined && policies !== undefined) findings.add(policies.offset, 'policies', 'stands beside "rules", which means the same', 'Keep one of the two')
  const place = rules ?? policies
  if (place !== undefined) return readRules(classes)(place, findings)
  if (places !== null) findings.add(0, '', 'lacks "rules"', mend)
  return REFUSED
}

/** null where it is no YAML that can be read; the findings say why. */
export function readDocument (text: string, lines: LineCounter, findings: Findings): Document.Parsed | null {
  if (text.length > MAX_CHARACTERS) {
    findings.add(0, '', `has ${text.length} characters`, `Use at most ${MAX_CHARACTERS}, or several files`)
    return null
  }
  // Keys given twice are reported where they are read, with both places; the library's own check takes quadratic time.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, version: '1.2', schema: 'core', merge: false })
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    findings.add(pos[0], '', `is not valid YAML: ${message.split('\n')[0] ?? code}`, YAML_MENDS[code] ?? 'Correct the YAML here')
  }
  return findings.problems.length > 0 ? null : document
}

const YAML_MENDS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'Indent with spaces',
  BAD_INDENT: 'Indent it like its neighbours',
  MULTIPLE_DOCS: 'Use one document a file, without a second ---',
  TAG_RESOLVE_FAILED: 'Remove the tag',
  MISSING_CHAR: 'Close the quote or bracket that was opened before it',
}
