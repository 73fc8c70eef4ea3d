import { Compile } from 'typebox/compile'
import { AdmissionGap } from '../../core/admission/batch.ts'
import { AdmissionEntry } from '../../core/admission/entry.ts'
import { gravest } from '../../core/admission/finding.ts'
import type { AuditEntry, AuditTrail } from '../../ports/audit.ts'

export type NewTrailEntry = Parameters<AuditTrail['append']>[0]

/** Where an entry of a webhook process stands among those of its boot. */
export interface Origin {
  readonly boot: string
  readonly sequence: number
}

/** Every action of the audit trail that tells of admissions. */
export const ADMISSION_ACTIONS = ['admission.create', 'admission.update', 'admission.delete', 'admission.connect', 'admission.gap'] as const

/** The actor where nobody could tell the user; no user of Kubernetes has brackets in its name. */
export const UNKNOWN_ACTOR = '(unknown)'

/** `pods/shop/web`, `namespaces/shop`. */
export function objectName ({ resource, namespace, name }: AdmissionEntry): string {
  const plural = resource.split('/')[2] ?? resource
  return [plural, ...namespace === '' || plural === 'namespaces' ? [] : [namespace], name].join('/')
}

export function trailEntry (entry: AdmissionEntry, origin: Origin | null): NewTrailEntry {
  return {
    actor: entry.user === '' ? UNKNOWN_ACTOR : entry.user,
    action: `admission.${entry.operation.toLowerCase()}`,
    object: objectName(entry),
    reason: entry.allowed ? gravest(entry.findings)?.code ?? 'Admitted' : 'Denied',
    detail: { entry, ...origin },
  }
}

const GAP_REASONS: Readonly<Record<AdmissionGap['cause'], string>> = {
  overflow: 'QueueFull', refused: 'Rejected', 'let-through': 'LetThrough', 'fail-open': 'WebhookAway', 'audit-log': 'Unreadable',
}

export const trailGap = (gap: AdmissionGap, origin: Origin | null): NewTrailEntry =>
  ({ actor: 'autoshield', action: 'admission.gap', object: 'admission', reason: GAP_REASONS[gap.cause], detail: { gap, ...origin } })

const [entries, gaps] = [Compile(AdmissionEntry), Compile(AdmissionGap)]

export interface ReadAdmission {
  readonly entry: AdmissionEntry | null
  readonly gap: AdmissionGap | null
  readonly origin: Origin | null
}

/** What `trailEntry` and `trailGap` wrote; null where it is something else. */
export function readTrailEntry ({ detail }: AuditEntry): ReadAdmission | null {
  const { entry, gap, boot, sequence } = detail
  const origin = typeof boot === 'string' && typeof sequence === 'number' ? { boot, sequence } : null
  if (entries.Check(entry)) return { entry, gap: null, origin }
  return gaps.Check(gap) ? { entry: null, gap, origin } : null
}
