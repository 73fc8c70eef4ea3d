import type { AdmissionFinding } from '../../src/core/admission/entry.ts'
import { FINDINGS, type FindingCode, type Severity } from '../../src/core/admission/finding.ts'
import type { Namespace } from '../../src/core/kubernetes/object.ts'
import type { Caller } from './caller.ts'
import type { Fields } from './field.ts'

/** One admission as rules look at it. */
export interface Change {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  readonly group: string
  readonly plural: string
  /** Empty where there is none. */
  readonly subresource: string
  /** Empty for what lives in no namespace. */
  readonly namespace: string
  readonly name: string
  /** As it was; null for what is new, and for CONNECT. */
  readonly before: Fields | null
  /** As it is to be; null for what goes. For CONNECT the options of the call. */
  readonly after: Fields | null
  readonly caller: Caller
  /** Whether a new pod's status is true by the injector's own decision; null where that could not be asked. */
  readonly hasTrueStatus: boolean | null
  /** The namespace that it happens in; null where that is not known, or there is none. */
  readonly home: Namespace | null
  /** AutoShield's own namespace. */
  readonly ownNamespace: string
}

/** What one rule finds in a change: pure and total. */
export type Rule = (change: Change) => readonly AdmissionFinding[]

export const finding = (code: FindingCode, message: string, severity: Severity = FINDINGS[code].severity): AdmissionFinding => ({ code, severity, message })

const MAX_NAMED = 5

/** The first few of them, and how many more there are. */
export const named = (items: readonly string[]): string =>
  items.length <= MAX_NAMED ? items.join(', ') : `${items.slice(0, MAX_NAMED).join(', ')} and ${items.length - MAX_NAMED} more`
