import { Type, type Static } from 'typebox'
import { REASON_CODES } from '../reason.ts'
import { FINDING_CODES, SEVERITIES } from './finding.ts'

export const ADMISSION_MODES = ['audit', 'warn', 'enforce'] as const
export type AdmissionMode = (typeof ADMISSION_MODES)[number]

/** Something in a change that an operator wants to hear of. */
export const AdmissionFinding = Type.Object({
  code: Type.Enum(FINDING_CODES),
  severity: Type.Enum([...SEVERITIES]),
  message: Type.String({ description: 'What, where, and the mend, in one sentence.' }),
}, { additionalProperties: false })
export type AdmissionFinding = Static<typeof AdmissionFinding>

/** Who changed what at admission, as the webhook reports it to the audit trail. */
export const AdmissionEntry = Type.Object({
  /** The review's own uid: a retried review has it again. */
  review: Type.String({ minLength: 1 }),
  at: Type.String({ format: 'date-time' }),
  user: Type.String(),
  groups: Type.Array(Type.String()),
  operation: Type.Union([Type.Literal('CREATE'), Type.Literal('UPDATE'), Type.Literal('DELETE'), Type.Literal('CONNECT')]),
  /** `group/version/plural`, with `/subresource` where there is one; the core group is empty. */
  resource: Type.String(),
  namespace: Type.String(),
  name: Type.String(),
  /** The object's uid where it has one already. */
  uid: Type.String(),
  mode: Type.Enum([...ADMISSION_MODES]),
  allowed: Type.Boolean(),
  findings: Type.Array(AdmissionFinding),
  /** What injection made of a pod. */
  injection: Type.Union([Type.Object({
    kind: Type.Union([Type.Literal('inject'), Type.Literal('skip')]),
    reason: Type.Enum(REASON_CODES),
    message: Type.String(),
  }, { additionalProperties: false }), Type.Null()]),
  /** Who saw it: the webhook, a watch on what Kubernetes exempts from admission, or the API server's own audit log. */
  seenBy: Type.Union([Type.Literal('webhook'), Type.Literal('watch'), Type.Literal('audit-log')]),
}, { $id: 'AdmissionEntry', additionalProperties: false })
export type AdmissionEntry = Static<typeof AdmissionEntry>
