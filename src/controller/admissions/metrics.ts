import { Counter, type Registry } from 'prom-client'
import type { AdmissionGap } from '../../core/admission/batch.ts'
import type { AdmissionEntry } from '../../core/admission/entry.ts'

/** What the controller counts of admissions. Label values are of closed lists. */
export interface AdmissionMetrics {
  recorded: (entry: AdmissionEntry) => void
  duplicate: () => void
  gap: (gap: AdmissionGap) => void
}

export function admissionMetrics (registry: Registry): AdmissionMetrics {
  const registers = [registry]
  const recorded = new Counter({ name: 'autoshield_admissions_recorded_total', help: 'Admissions written to the audit trail, by who saw them.', labelNames: ['seen_by', 'operation', 'allowed'], registers })
  const findings = new Counter({ name: 'autoshield_admission_findings_total', help: 'Findings of the admission audit.', labelNames: ['code', 'severity'], registers })
  const duplicates = new Counter({ name: 'autoshield_admission_duplicates_total', help: 'Entries that came again and were in the trail already.', registers })
  const gaps = new Counter({ name: 'autoshield_admission_gap_total', help: 'Admissions that nobody saw or that were lost, by cause.', labelNames: ['cause'], registers })
  return {
    recorded: ({ seenBy, operation, allowed, findings: found }) => {
      recorded.inc({ seen_by: seenBy, operation, allowed: String(allowed) })
      for (const { code, severity } of found) findings.inc({ code, severity })
    },
    duplicate: () => duplicates.inc(),
    gap: ({ cause, count }) => gaps.inc({ cause }, count),
  }
}
