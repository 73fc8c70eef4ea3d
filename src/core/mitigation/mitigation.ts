import { Type, type Static } from 'typebox'
import { RELABELS } from '../isolation/released-labels.ts'
import type { Pod } from '../pod.ts'
import { REASON_CODES } from '../reason.ts'
import { EscalationStatus } from './escalation-status.ts'
import { OpenConnections } from './open-connections.ts'

const reason = Type.Enum(REASON_CODES, { description: 'Why, from the closed list of reason codes.' })

export const PodRef = Type.Object({
  uid: Type.String({ description: 'UID of the pod. A restriction binds to it, so a successor with the same name or address is not meant.' }),
  addresses: Type.Array(Type.String(), { minItems: 1, description: 'The IP addresses of the pod, as they were last seen.' }),
  namespace: Type.Optional(Type.String({ description: 'Namespace of the pod.' })),
  name: Type.Optional(Type.String({ description: 'Name of the pod.' })),
}, { $id: 'PodRef', additionalProperties: false, description: 'A pod.' })
export type PodRef = Static<typeof PodRef>

export const podRef = ({ uid, addresses, namespace, name }: Pod): PodRef => ({ uid, addresses: [...addresses], namespace, name })

/** `anySource`: no pod is restricted as such. A fan-in from forged sources is restricted at its victim, a quarantine of a node at the node. */
export const Subject = Type.Union([PodRef, Type.Literal('anySource')])
export type Subject = Static<typeof Subject>

/** How many pods one mitigation restricts in front of: an object in the API server holds 1.5 MB, and this many are some 75 kB. */
export const MAX_VICTIMS = 500
/** In `workloads`: every pod. */
export const EVERY_POD = '*'

export const Limit = Type.Object({
  value: Type.Number({ exclusiveMinimum: 0, description: 'How much of the unit is let through.' }),
  unit: Type.Union([Type.Literal('requests/s'), Type.Literal('connections/s'), Type.Literal('connections'), Type.Literal('bytes/s')], { description: 'What is counted.' }),
  burst: Type.Number({ exclusiveMinimum: 0, description: 'In the unit\'s quantity; one second\'s worth unless the rule says otherwise.' }),
}, { $id: 'Limit', additionalProperties: false, description: 'The measure of the action limit.' })
export type Limit = Static<typeof Limit>

export const CONDITION_TYPES = ['Accepted', 'Programmed', 'Enforcing', 'Degraded'] as const
export type ConditionType = (typeof CONDITION_TYPES)[number]

export const Condition = Type.Object({
  type: Type.Enum([...CONDITION_TYPES], { description: 'Accepted: valid and stored. Programmed: every target has taken it. Enforcing: attempts were seen and did not get through. Degraded: less is done than was planned.' }),
  status: Type.Union([Type.Literal('True'), Type.Literal('False'), Type.Literal('Unknown')], { description: 'Unknown where nothing was seen that proves it either way.' }),
  reason,
  message: Type.String({ description: 'What was seen, in a sentence.' }),
  lastTransitionTime: Type.String({ format: 'date-time', description: 'When it came to this status.' }),
  observedGeneration: Type.Integer({ minimum: 1, description: 'Generation of the spec that it speaks of.' }),
}, { $id: 'Condition', additionalProperties: false, description: 'One thing that is true of it or not.' })
export type Condition = Static<typeof Condition>

/** What one proxy or policy object answered. */
export const TargetStatus = Type.Object({
  target: Type.String({ description: '`proxy/UID`, `networkpolicy/NAMESPACE/NAME`, `ciliumnetworkpolicy/NAMESPACE/NAME`, `node/NAME` or, where labels are taken from it, `pod/NAMESPACE/NAME`.' }),
  state: Type.Union([Type.Literal('pending'), Type.Literal('programmed'), Type.Literal('rejected'), Type.Literal('unable'), Type.Literal('simulated')], { description: 'What the target made of it. unable: it cannot carry it.' }),
  version: Type.String({ description: 'xDS version or object generation that carries it; empty before one does.' }),
  message: Type.String({ description: 'The target\'s own words on refusal, or why it is pending.' }),
  since: Type.Optional(Type.String({ format: 'date-time', description: 'When it came to this state.' })),
  openConnections: Type.Optional(Type.Array(OpenConnections, { description: 'What becomes of the connections that the subject had open there.' })),
}, { $id: 'TargetStatus', additionalProperties: false, description: 'The answer of one proxy or policy object.' })
export type TargetStatus = Static<typeof TargetStatus>

/** Where a policy of a mitigation stands: a NetworkPolicy that lists all that is left, or Cilium's own, which denies. */
export const PolicyPlace = Type.Union([Type.Literal('egress'), Type.Literal('ingress'), Type.Literal('isolation'), Type.Literal('egress-deny'), Type.Literal('ingress-deny')])
export type PolicyPlace = Static<typeof PolicyPlace>

export const MitigationSpec = Type.Object({
  owner: Type.Object({
    policy: Type.String({ description: 'Where the policy was read from.' }),
    rule: Type.String({ description: 'Id of the rule that fired.' }),
    hash: Type.String({ description: 'sha256 of the rule as loaded.' }),
  }, { additionalProperties: false, description: 'What decided it.' }),
  detection: Type.String({ description: 'Id of the detection that it rests on.' }),
  subject: Subject,
  victims: Type.Array(PodRef, { description: 'Pods in front of which it is restricted. For a fan-out and an isolation: every other known pod, up to a bound.' }),
  workloads: Type.Optional(Type.Array(Type.String(), {
    minItems: 1, description: '`NAMESPACE/KIND/NAME` of the workloads that its victims are of: pods of them that are made later join the victims. `*`: every pod joins. Up to a bound; the status says how many are left out.',
  })),
  services: Type.Optional(Type.Array(Type.String(), {
    minItems: 1, description: 'Addresses of Services by which the subject turned to its victims: what it sends there goes to them.',
  })),
  destinations: Type.Optional(Type.Array(Type.String(), {
    minItems: 1, description: 'Addresses of no known pod that the subject is cut off from; no victim\'s proxy stands there.',
  })),
  policies: Type.Optional(Type.Array(PolicyPlace, {
    minItems: 1, description: 'Policies that carry it as well. egress: one on the subject; ingress: one on the victims, in each of their namespaces; isolation: one on the subject, both ways; egress-deny, ingress-deny: the same ends, by a CiliumNetworkPolicy. Without, proxies alone do.',
  })),
  relabel: Type.Optional(Type.Enum([...RELABELS], {
    description: 'Of an isolation: labels are taken from the subject until it ends, so that these find it no more. services: the Services of its namespace; owner-and-services: its ReplicaSet as well, which makes another pod.',
  })),
  direction: Type.Union([Type.Literal('ingress'), Type.Literal('egress'), Type.Literal('both')], { description: 'Where it is cut: ingress at the victims, egress at the subject, both at either.' }),
  ports: Type.Union([Type.Literal('any'), Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), { minItems: 1 })], { description: 'Destination ports that it concerns.' }),
  action: Type.Union([Type.Literal('watch'), Type.Literal('deny'), Type.Literal('limit'), Type.Literal('quarantine')], { description: 'watch changes nothing for the subject, deny lets nothing through, limit lets a measure through, quarantine closes a node to new pods.' }),
  limit: Type.Optional(Limit),
  node: Type.Optional(Type.Object({
    name: Type.String({ description: 'Name of the node.' }),
    effect: Type.Union([Type.Literal('NoSchedule'), Type.Literal('NoExecute')], { description: 'Of its taint: NoExecute evicts what runs there as well.' }),
  }, { additionalProperties: false, description: 'The node of the action quarantine.' })),
  mode: Type.Union([Type.Literal('shadow'), Type.Literal('enforce')], { description: 'shadow only counts what would have been stopped.' }),
  expiresAt: Type.String({ format: 'date-time', description: 'When it ends by itself.' }),
  life: Type.Optional(Type.Object({
    ttlSeconds: Type.Integer({ minimum: 1, description: 'It ends so long after the last sign of an attack that goes on.' }),
    leastSeconds: Type.Integer({ minimum: 1, description: 'It holds at least so long, however soon the attack ends.' }),
  }, { additionalProperties: false, description: 'How its end follows the attack; without, expiresAt is fixed.' })),
  reason: Type.String({ description: 'The decision in one sentence.' }),
}, { $id: 'MitigationSpec', additionalProperties: false, description: 'Who is restricted, in front of whom, how and until when.' })
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
    phase: Type.Union([Type.Literal('active'), Type.Literal('expired'), Type.Literal('reverted')], { description: 'active until its time has passed or the pod that it restricts is gone (expired), or somebody undid it.' }),
    simulated: Type.Boolean({ description: 'Nothing is enforced.' }),
    conditions: Type.Array(Condition, { description: 'How far it has come, each with its reason.' }),
    targets: Type.Array(TargetStatus, { description: 'What each proxy and each policy object answered.' }),
    term: Type.Optional(Type.Object({
      reason,
      message: Type.String({ description: 'From when to when, in a sentence.' }),
      at: Type.String({ format: 'date-time', description: 'When it was moved.' }),
      formerEnd: Type.String({ format: 'date-time', description: 'When it would have ended.' }),
      returns: Type.Integer({ minimum: 0, description: 'How often the attack came back after its end had been brought forward; each time it takes longer to be.' }),
    }, { additionalProperties: false, description: 'Why it ends at another time than at first, where it does.' })),
    escalation: Type.Optional(EscalationStatus),
    leftOut: Type.Optional(Type.Integer({ minimum: 1, description: 'Pods that would be victims as well, beyond the bound of victims.' })),
    settleSeconds: Type.Optional(Type.Integer({ minimum: 1, description: 'What gets through within so long after every target has taken it proves nothing, where that is longer than usual: a pod that it selects got its label for it.' })),
    undo: Type.String({ description: 'What undoing it does, in one sentence.' }),
    endedAt: Type.Optional(Type.String({ format: 'date-time', description: 'When it ended, where it has.' })),
  }, { additionalProperties: false }),
}, { $id: 'Mitigation', additionalProperties: false })
export type Mitigation = Static<typeof Mitigation>
