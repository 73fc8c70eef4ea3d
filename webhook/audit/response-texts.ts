import { cut } from '../../src/core/admission/bounds.ts'
import type { AdmissionEntry, AdmissionFinding } from '../../src/core/admission/entry.ts'
import { gravest } from '../../src/core/admission/finding.ts'
import { LABELS } from '../../src/core/injection/names.ts'

/** The API server cuts a warning at 256 characters and all of them at 4096 (apiserver's pkg/endpoints/handlers, "warning"). */
const WARNING = 256
const MAX_WARNINGS = 8
const ANNOTATION = 1_024

export interface ResponseTexts {
  readonly status?: { readonly code: number, readonly message: string }
  readonly warnings: readonly string[]
  readonly auditAnnotations: Readonly<Record<string, string>>
}

/** What the caller and the API server's own audit log are told of an entry. Only `warn` and `enforce` speak to the caller. */
export function responseTexts ({ mode, findings, namespace, injection }: AdmissionEntry, refused: AdmissionFinding | undefined): ResponseTexts {
  const worst = gravest(findings)
  return {
    ...refused === undefined
      ? {}
      : { status: { code: 403, message: `${refused.code} (${refused.severity}): ${refused.message} Namespace ${namespace} has ${LABELS.admission}=enforce; every finding of it is denied from high on.` } },
    warnings: mode === 'audit' ? [] : findings.filter((found) => found !== refused).slice(0, MAX_WARNINGS).map(({ code, message }) => cut(oneLine(`AutoShield: ${code}: ${message}`), WARNING)),
    auditAnnotations: {
      mode,
      ...worst === undefined ? {} : { findings: cut([...new Set(findings.map(({ code }) => code))].join(','), ANNOTATION), severity: worst.severity },
      ...refused === undefined ? {} : { denied: refused.code },
      ...injection === null ? {} : { injection: injection.reason },
    },
  }
}

/** A warning travels in a header, which holds no line break or other control character (RFC 9110, section 5.5). */
const oneLine = (text: string): string => text.replace(/\p{Cc}/gu, ' ')
