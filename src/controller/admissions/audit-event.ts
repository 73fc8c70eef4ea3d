import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { boundEntry } from '../../core/admission/bounds.ts'
import { FINDINGS } from '../../core/admission/finding.ts'
import type { AdmissionEntry } from '../../core/admission/entry.ts'

const User = Type.Object({ username: Type.Optional(Type.String()), groups: Type.Optional(Type.Array(Type.String())) })

/** One line of the API server's audit log (audit.k8s.io/v1 Event), as far as it is read. */
const AuditEvent = Type.Object({
  kind: Type.Literal('Event'),
  auditID: Type.String({ minLength: 1 }),
  stage: Type.String(),
  verb: Type.String(),
  requestURI: Type.Optional(Type.String()),
  user: User,
  impersonatedUser: Type.Optional(User),
  objectRef: Type.Optional(Type.Object({
    resource: Type.Optional(Type.String()),
    namespace: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
    uid: Type.Optional(Type.String()),
    apiGroup: Type.Optional(Type.String()),
    apiVersion: Type.Optional(Type.String()),
    subresource: Type.Optional(Type.String()),
  })),
  responseStatus: Type.Optional(Type.Object({ code: Type.Optional(Type.Number()) })),
  stageTimestamp: Type.String({ format: 'date-time' }),
  annotations: Type.Optional(Type.Record(Type.String(), Type.String())),
})
type AuditEvent = Static<typeof AuditEvent>
const events = Compile(AuditEvent)

/** A change as the API server's own audit log tells it. */
export interface LoggedChange {
  readonly entry: AdmissionEntry
  readonly plural: string
  readonly atMs: number
  /** Why webhooks cannot have seen it: Kubernetes exempts the object, or one of ours did not answer. */
  readonly unseen: 'exempt' | 'failed-open' | null
}

const OPERATIONS: Readonly<Record<string, AdmissionEntry['operation']>> = { create: 'CREATE', update: 'UPDATE', patch: 'UPDATE', delete: 'DELETE', deletecollection: 'DELETE', connect: 'CONNECT' }
const CONNECTS: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward'])
/** The API server's own note of a webhook that it went on without (apiserver's pkg/admission/plugin/webhook/validating and mutating). */
const FAILED_OPEN = /^failed-open\.(validating|mutating)\.webhook\.admission\.k8s\.io\//

/** What a line says: a change that was made; `other` for what is none; null where it is no audit event. */
export function readAuditEvent (line: string): LoggedChange | 'other' | null {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return null // half a line, or another file
  }
  if (!events.Check(value)) return null
  const { stage, requestURI = '', responseStatus, objectRef } = value
  const done = stage === 'ResponseComplete' && (responseStatus?.code ?? 500) < 400 && !/[?&]dryRun=/.test(requestURI)
  const operation = CONNECTS.has(objectRef?.subresource ?? '') ? 'CONNECT' : OPERATIONS[value.verb]
  if (!done || objectRef?.resource === undefined || operation === undefined) return 'other'
  return { entry: entryOf(value, operation), plural: objectRef.resource, atMs: Date.parse(value.stageTimestamp), unseen: unseenBy(value) }
}

function unseenBy ({ objectRef, annotations = {} }: AuditEvent): LoggedChange['unseen'] {
  if (objectRef?.apiGroup === 'admissionregistration.k8s.io') return 'exempt'
  return Object.entries(annotations).some(([name, webhook]) => FAILED_OPEN.test(name) && webhook.endsWith('.autoshield.dev')) ? 'failed-open' : null
}

function entryOf ({ auditID, user, impersonatedUser, objectRef = {}, stageTimestamp }: AuditEvent, operation: AdmissionEntry['operation']): AdmissionEntry {
  const { resource = '', namespace = '', name = '', uid = '', apiGroup = '', apiVersion = '', subresource } = objectRef
  const isOurs = apiGroup === 'admissionregistration.k8s.io' && name.startsWith('autoshield')
  return boundEntry({
    review: `log:${auditID}`,
    at: new Date(stageTimestamp).toISOString(),
    user: (impersonatedUser ?? user).username ?? '',
    groups: (impersonatedUser ?? user).groups ?? [],
    operation,
    resource: [apiGroup, apiVersion, resource, ...subresource === undefined ? [] : [subresource]].join('/'),
    namespace,
    name,
    uid,
    mode: 'audit',
    allowed: true,
    findings: isOurs ? [{ code: 'WebhookChanged', severity: FINDINGS.WebhookChanged.severity, message: `${resource} ${name} was ${operation === 'DELETE' ? 'deleted' : 'written'}: find out who may write it.` }] : [],
    injection: null,
    seenBy: 'audit-log',
  })
}
