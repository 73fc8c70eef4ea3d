import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { MANAGED_BY, LABELS } from '../../core/injection/names.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { apiVersionOf, RESOURCES } from '../../core/kubernetes/resource.ts'
import { Mitigation, MitigationSpec, PodRef } from '../../core/mitigation/mitigation.ts'
import { MOST_LIVES } from '../../core/mitigation/time-to-live.ts'

/** A rule of the API server in CEL; `message` is what whoever breaks it is told. */
const rule = (expression: string, message: string): { rule: string, message: string } => ({ rule: expression, message })
const rules = (...list: { rule: string, message: string }[]) => ({ 'x-kubernetes-validations': list })

/** The longest time to live that a policy may ask for: 30 days (src/core/policy/read-rule.ts). */
const MAX_TTL = '720h'
const MAX_TTL_SECONDS = 30 * 86_400

const { subject: _subject, ports: _ports, expiresAt, life, owner, detection, victims, workloads, services, destinations, ...same } = MitigationSpec.properties
const immutable = rules(rule('self == oldSelf', 'it cannot be changed: make another mitigation'))
/** The API server counts what a rule may cost at most, so what rules look at is bounded; planning stays far below. */
const text = { maxLength: 1024 }
const BoundedPod = { ...PodRef, properties: { ...PodRef.properties, uid: { ...PodRef.properties.uid, maxLength: 128 }, addresses: { ...PodRef.properties.addresses, maxItems: 16, items: Type.String({ maxLength: 64 }) } } }
/** The pod that is restricted stays the same; its addresses may change. */
const SubjectPod = { ...BoundedPod, properties: { ...BoundedPod.properties, uid: { ...BoundedPod.properties.uid, ...immutable }, namespace: { ...BoundedPod.properties.namespace, ...immutable }, name: { ...BoundedPod.properties.name, ...immutable } } }
const bounded = <T extends object>(schema: T): T => ({ ...schema, ...text })

/**
 * A mitigation as the API server stores it. It differs from the one that the rest of the code knows where a structural
 * schema must: a field has one type there. So `subject` says by a field which of the two it is, `ports` that are any are
 * left out, and the time of creation stands in the spec, because rules see no metadata and the API server's own has
 * whole seconds.
 */
export const StoredSpec = Type.Object({
  ...same,
  owner: { ...owner, properties: { policy: bounded(owner.properties.policy), rule: bounded(owner.properties.rule), hash: bounded(owner.properties.hash) }, ...immutable },
  detection: { ...detection, ...text, ...immutable },
  subject: Type.Object({
    pod: Type.Optional(SubjectPod),
    anySource: Type.Optional(Type.Boolean({ description: 'Whoever it comes from: where sources are forged, only the victim can be protected.' })),
  }, {
    description: 'Who is restricted.',
    'x-kubernetes-validations': [
      rule('has(self.pod) != (has(self.anySource) && self.anySource)', 'it is either a pod or anySource: true'),
      rule('has(self.pod) == has(oldSelf.pod)', 'it cannot be changed: make another mitigation'),
    ],
  }),
  victims: { ...victims, maxItems: 1000 },
  workloads: Type.Optional({ ...workloads, maxItems: 1000, items: Type.String(text) }),
  services: Type.Optional({ ...services, maxItems: 16 }),
  destinations: Type.Optional({ ...destinations, maxItems: 1000 }),
  ports: Type.Optional(Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), { minItems: 1, description: 'Destination ports that it concerns; any unless given.' })),
  createdAt: Type.String({ format: 'date-time', description: 'When it was decided.', ...immutable }),
  expiresAt,
  life: Type.Optional({ ...life, properties: { ...life.properties, ttlSeconds: { ...life.properties.ttlSeconds, ...immutable } } }),
}, {
  description: 'Who is restricted, in front of whom, how and until when.',
  additionalProperties: false,
  'x-kubernetes-validations': [
    rule("has(self.limit) == (self.action == 'limit')", 'limit belongs to the action limit, and that needs one'),
    rule('timestamp(self.expiresAt) > timestamp(self.createdAt)', 'expiresAt must come after createdAt'),
    rule(`timestamp(self.expiresAt) - timestamp(self.createdAt) <= duration('${MAX_TTL}')`, 'it may last 30 days at most'),
    rule(`!has(self.life) || self.life.ttlSeconds * ${MOST_LIVES} > ${MAX_TTL_SECONDS} || (timestamp(self.expiresAt) - timestamp(self.createdAt)).getSeconds() <= self.life.ttlSeconds * ${MOST_LIVES}`, `it may last ${MOST_LIVES} times its ttlSeconds at most`),
    rule('has(self.life) == has(oldSelf.life)', 'life cannot be changed: make another mitigation'),
    rule('has(self.life) || timestamp(self.expiresAt) <= timestamp(oldSelf.expiresAt)', 'without a life its end can be brought forward, not put off: make another mitigation'),
    rule("has(self.node) == (self.action == 'quarantine')", 'node belongs to the action quarantine, and that needs one'),
    rule('!has(self.node) || !has(self.subject.pod)', 'a quarantine is of a node, not of a pod'),
    rule('has(self.subject.pod) || has(self.node) || size(self.victims) > 0', 'anySource needs a victim to be protected'),
    rule("has(self.subject.pod) || self.action != 'deny'", 'anySource cannot be denied: that would cut the victims off from everybody'),
    rule('!has(self.destinations) || size(self.victims) == 0', 'it is either in front of victims or of destinations that are no pods'),
  ],
})

const status = Mitigation.properties.status
export const StoredStatus = {
  ...status,
  description: 'What became of it.',
  properties: {
    ...status.properties,
    conditions: { ...status.properties.conditions, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
    // One writer, which knows them all. Of a map the last entry taken away leaves null, which is refused where a list is required.
    targets: { ...status.properties.targets, 'x-kubernetes-list-type': 'atomic' },
  },
  ...rules(rule("has(self.endedAt) == (self.phase != 'active')", 'endedAt belongs to what has ended')),
}

const StoredMitigation = Compile(Type.Object({ spec: StoredSpec, status: StoredStatus }))
const validator = Compile(Mitigation)

/** Label that names the namespace of the subject, so that its owners can ask for what concerns them. */
const SUBJECT_NAMESPACE = 'autoshield.dev/subject-namespace'

/** What is applied: the object without its status, and the status. */
export interface StoredParts {
  readonly object: object
  readonly status: object
}

export function toStored ({ metadata, spec: { subject, ports, ...spec }, status }: Mitigation, namespace: string): StoredParts {
  const subjectNamespace = subject === 'anySource' ? spec.victims[0]?.namespace : subject.namespace
  const named = { name: metadata.name, namespace }
  const stored: Static<typeof StoredSpec> = {
    ...spec,
    subject: subject === 'anySource' ? { anySource: true } : { pod: subject },
    ...(ports !== 'any' && { ports }),
    createdAt: metadata.creationTimestamp,
  }
  return {
    object: {
      metadata: {
        ...named,
        labels: { [LABELS.managedBy]: MANAGED_BY, ...(subjectNamespace !== undefined && { [SUBJECT_NAMESPACE]: subjectNamespace }) },
        annotations: metadata.annotations,
      },
      spec: stored,
    },
    status: { metadata: named, status },
  }
}

/** Null where it has no status yet, or is none of ours. */
export function fromStored (object: KubernetesObject): Mitigation | null {
  if (!StoredMitigation.Check(object)) return null
  const { metadata } = object
  const { spec: { subject, ports, createdAt, ...spec }, status } = object
  const value = {
    apiVersion: apiVersionOf(RESOURCES.mitigations),
    kind: RESOURCES.mitigations.kind,
    metadata: { name: metadata.name, uid: metadata.uid, generation: metadata.generation, creationTimestamp: createdAt, annotations: metadata.annotations ?? {} },
    spec: { ...spec, subject: subject.pod ?? 'anySource', ports: ports ?? 'any' },
    status,
  }
  return validator.Check(value) ? value : null
}
