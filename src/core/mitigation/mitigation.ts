import { Type, type Static } from 'typebox'
import { REASON_CODES } from '../reason.ts'

const reason = Type.Enum(REASON_CODES)

export const PodRef = Type.Object({
  uid: Type.String(),
  addresses: Type.Array(Type.String(), { minItems: 1 }),
  namespace: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
}, { $id: 'PodRef', additionalProperties: false })
export type PodRef = Static<typeof PodRef>

/** `anySource`: a fan-in from forged sources has nobody to restrict but at the victim. */
export const Subject = Type.Union([PodRef, Type.Literal('anySource')])
export type Subject = Static<typeof Subject>

export const Limit = Type.Object({
  value: Type.Number({ exclusiveMinimum: 0 }),
  unit: Type.Union([Type.Literal('requests/s'), Type.Literal('connections/s'), Type.Literal('connections'), Type.Literal('bytes/s')]),
  burst: Type.Number({ exclusiveMinimum: 0, description: 'In the unit\'s quantity; one second\'s worth unless the rule says otherwise.' }),
}, { $id: 'Limit', additionalProperties: false })
export type Limit = Static<typeof Limit>

export const CONDITION_TYPES = ['Accepted', 'Programmed', 'Enforcing', 'Degraded'] as const
export type ConditionType = (typeof CONDITION_TYPES)[number]

export const Condition = Type.Object({
  type: Type.Enum([...CONDITION_TYPES]),
  status: Type.Union([Type.Literal('True'), Type.Literal('False'), Type.Literal('Unknown')]),
  reason,
  message: Type.String(),
  lastTransitionTime: Type.String({ format: 'date-time' }),
  observedGeneration: Type.Integer({ minimum: 1 }),
}, { $id: 'Condition', additionalProperties: false })
export type Condition = Static<typeof Condition>

/** What one proxy or policy object answered. */
export const TargetStatus = Type.Object({
  target: Type.String({ description: '`proxy/UID` or `networkpolicy/NAMESPACE/NAME`.' }),
  state: Type.Union([Type.Literal('pending'), Type.Literal('programmed'), Type.Literal('rejected'), Type.Literal('simulated')]),
  version: Type.String({ description: 'xDS version or object generation that carries it; empty before one does.' }),
  message: Type.String({ description: 'The target\'s own words on refusal.' }),
}, { $id: 'TargetStatus', additionalProperties: false })
export type TargetStatus = Static<typeof TargetStatus>

export const MitigationSpec = Type.Object({
  owner: Type.Object({
    policy: Type.String(), rule: Type.String(), hash: Type.String({ description: 'sha256 of the rule as loaded.' }),
  }, { additionalProperties: false }),
  detection: Type.String({ description: 'Id of the detection that it rests on.' }),
  subject: Subject,
  victims: Type.Array(PodRef, { description: 'Pods in front of which it is restricted. For a fan-out and an isolation: every other known pod, up to a bound.' }),
  destinations: Type.Optional(Type.Array(Type.String(), {
    minItems: 1, description: 'Addresses of no known pod that the subject is cut off from; no victim\'s proxy stands there.',
  })),
  direction: Type.Union([Type.Literal('ingress'), Type.Literal('egress'), Type.Literal('both')]),
  ports: Type.Union([Type.Literal('any'), Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), { minItems: 1 })]),
  action: Type.Union([Type.Literal('watch'), Type.Literal('deny'), Type.Literal('limit')]),
  limit: Type.Optional(Limit),
  mode: Type.Union([Type.Literal('shadow'), Type.Literal('enforce')]),
  expiresAt: Type.String({ format: 'date-time' }),
  reason: Type.String({ description: 'The decision in one sentence.' }),
}, { $id: 'MitigationSpec', additionalProperties: false })
export type MitigationSpec = Static<typeof MitigationSpec>

export const Mitigation = Type.Object({
  apiVersion: Type.Literal('autoshield.dev/v1alpha1'),
  kind: Type.Literal('Mitigation'),
  metadata: Type.Object({
    name: Type.String(),
    uid: Type.String(),
    generation: Type.Integer({ minimum: 1 }),
    creationTimestamp: Type.String({ format: 'date-time' }),
    annotations: Type.Record(Type.String(), Type.String()),
  }, { additionalProperties: false }),
  spec: MitigationSpec,
  status: Type.Object({
    phase: Type.Union([Type.Literal('active'), Type.Literal('expired'), Type.Literal('reverted')]),
    simulated: Type.Boolean({ description: 'Nothing is enforced.' }),
    conditions: Type.Array(Condition),
    targets: Type.Array(TargetStatus),
    undo: Type.String({ description: 'What undoing it does, in one sentence.' }),
    endedAt: Type.Optional(Type.String({ format: 'date-time' })),
  }, { additionalProperties: false }),
}, { $id: 'Mitigation', additionalProperties: false })
export type Mitigation = Static<typeof Mitigation>
