import type { AdmissionFinding } from '../../src/core/admission/entry.ts'
import { type FindingCode, FINDINGS } from '../../src/core/admission/finding.ts'

export const finding = (code: FindingCode, message: string): AdmissionFinding => ({ code, severity: FINDINGS[code].severity, message })

/** What an author wrote, for a message: shown as JSON, so that nothing in it drives a terminal, and cut. */
export function quote (value: unknown): string {
  const text = typeof value === 'object' && value !== null ? 'an object' : String(value)
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)
}
