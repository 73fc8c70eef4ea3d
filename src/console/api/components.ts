import type { FastifyInstance } from 'fastify'
import { Type, type Static, type TSchema } from 'typebox'
import { Decision } from '../../core/policy/decision.ts'
import { Drift } from '../../core/drift/drift.ts'
import { RuleVerdict } from '../../core/policy/why.ts'
import { Detection } from '../../core/verdict/detection.ts'
import { Approval } from '../../core/safety/approval.ts'
import { Mark, MarkSaid } from '../../core/feedback/mark.ts'
import { Precision } from '../../core/feedback/precision.ts'
import { Baseline } from '../../core/evidence/baseline-entry.ts'
import { Exception } from '../../core/exception/exception.ts'
import { PlanEffect } from '../../core/plan/effect.ts'
import { Outlook } from '../../core/plan/outlook.ts'
import { Protected } from '../../core/safety/protected.ts'
import { Errand } from '../../core/errand/errand.ts'
import { Notice } from '../../core/errand/notice.ts'
import { FlowPage } from '../../core/history/flow-page.ts'
import { SafetyStanding } from '../../core/safety/standing.ts'
import { Halt } from '../../core/safety/state.ts'
import { Mitigation } from '../../core/mitigation/mitigation.ts'
import { MeshPolicy } from '../../core/rollout/mesh-policy.ts'
import { AuditEntry, KeptEvidence, LeadershipState, ModelsView, PanicState, Pod, Policy, Proxy, Snapshot, Status, ThreatPolicyView, Traffic } from './views.ts'
import { ApiError } from './http-error.ts'

const NAMED = [ApiError, Status, Detection, Decision, Mitigation, Notice, Errand, MeshPolicy, Exception, Baseline, Mark, MarkSaid, Precision, Drift, RuleVerdict, Traffic, Pod, Proxy, Snapshot, Policy, AuditEntry, Halt, PanicState, Protected, SafetyStanding, PlanEffect, Outlook, FlowPage, Approval, KeptEvidence, LeadershipState, ModelsView, ThreatPolicyView]

/** A reference to a named schema, with its type, so that the document says each object once. */
export const ref = <T extends TSchema & { $id?: string }>(schema: T) => Type.Unsafe<Static<T>>({ $ref: `${schema.$id ?? ''}#` })

/** The schemas with every nested named one replaced by a reference; keyed by name. */
function flatten (roots: readonly object[]): Map<string, Record<string, unknown>> {
  const found = new Map<string, Record<string, unknown>>()
  const copy = (node: unknown, isRoot: boolean): unknown => {
    if (Array.isArray(node)) return node.map((item) => copy(item, false))
    if (typeof node !== 'object' || node === null) return node
    const id: unknown = Reflect.get(node, '$id')
    if (!isRoot && typeof id === 'string') {
      add(node)
      return { $ref: `${id}#` }
    }
    return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, copy(value, false)]))
  }
  const add = (schema: object): void => {
    const id = String(Reflect.get(schema, '$id'))
    if (!found.has(id)) found.set(id, copy(schema, true) as Record<string, unknown>) // a copy of an object is an object
  }
  roots.forEach(add)
  return found
}

export function addComponents (app: FastifyInstance): void {
  for (const schema of flatten(NAMED).values()) app.addSchema(schema)
}

const failure = (description: string) => ({ ...ref(ApiError), description })

/** What any call can answer beside its own result. */
const FAILURES = {
  400: failure('The call is malformed.'),
  403: failure('The request may come from a foreign page (Host, Origin or Sec-Fetch-Site).'),
  500: failure('A defect of AutoShield.'),
  503: failure('A part that is needed does not answer.'),
}
const MORE = {
  404: failure('What was named does not exist.'),
  409: failure('The object is not in a state that allows this.'),
  413: failure('The body is too large.'),
  415: failure('The body is not sent as JSON.'),
  422: failure('The body can be read but not understood.'),
}

/** The answers of one operation: its result, what can always happen, and what else it names. */
export const answers = <T extends TSchema>(result: T, ...more: readonly (keyof typeof MORE)[]) =>
  ({ 200: result, ...FAILURES, ...Object.fromEntries(more.map((status) => [status, MORE[status]])) })
