import type { AdmissionEntry } from './entry.ts'

/** What an entry holds at most, in UTF-16 units and in items; a name in Kubernetes has 253 at most. */
export const ENTRY_BOUNDS = { text: 253, resource: 600, message: 512, groups: 32, findings: 16 } as const

/** Cut text ends in an ellipsis, so that nobody takes it for the whole. A pair of surrogates is not torn. */
export function cut (text: string, length: number): string {
  if (text.length <= length) return text
  return `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** The entry with every string and list within its bound; where groups are cut, the last one says how many are missing. */
export function boundEntry (entry: AdmissionEntry): AdmissionEntry {
  const { text, message, resource, groups, findings } = ENTRY_BOUNDS
  const kept = entry.groups.length <= groups ? entry.groups : [...entry.groups.slice(0, groups - 1), `(${entry.groups.length - groups + 1} more)`]
  return {
    ...entry,
    review: cut(entry.review, text),
    user: cut(entry.user, text),
    groups: kept.map((group) => cut(group, text)),
    resource: cut(entry.resource, resource),
    namespace: cut(entry.namespace, text),
    name: cut(entry.name, text),
    uid: cut(entry.uid, text),
    findings: entry.findings.slice(0, findings).map((finding) => ({ ...finding, message: cut(finding.message, message) })),
    injection: entry.injection === null ? null : { ...entry.injection, message: cut(entry.injection.message, message) },
  }
}
