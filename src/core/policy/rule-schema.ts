import { Type } from 'typebox'
import { AFTER_DEADLINE, APPROVALS_REQUIRED, DEFAULT_APPROVAL } from '../safety/approval.ts'
import { ESCALATIONS } from '../mitigation/escalation-status.ts'
import { ACTION_TYPES } from './action-type.ts'
import { MAX_WINDOW_SECONDS } from './key-features.ts'
import { RULE_DEFAULTS } from './read-rule.ts'
import { DIRECTIONS, SEVERITIES } from './rule.ts'

const closed = { additionalProperties: false } as const
const otherwise = (text: string, value: string | number): string => `${text} ${value} if left out.`
const DAY_S = 86_400

/**
 * An action as a ThreatPolicy says it. The reader of the policy file judges it; this is its shape. `ports` that are any
 * are left out, for a field of an object has one type.
 */
export const WrittenAction = Type.Object({
  action_type: Type.Enum([...ACTION_TYPES], { description: 'What is done.' }),
  parameters: Type.Optional(Type.Object({
    direction: Type.Optional(Type.Enum([...DIRECTIONS], { description: 'Of network_policy (egress if left out) and traffic_throttle (ingress): where traffic from the source to the target is cut; egress as it leaves the source, ingress as it enters the target.' })),
    ports: Type.Optional(Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), { minItems: 1, maxItems: 64, description: 'Of network_policy and traffic_throttle: destination ports; any if left out.' })),
    rate_limit: Type.Optional(Type.String({ maxLength: 40, description: 'Of traffic_throttle, which needs it: bits a second with their unit, such as 1000kbps, or new connections, such as 200 connections/s.' })),
    burst_seconds: Type.Optional(Type.Number({ minimum: 0.1, maximum: 60, description: 'Of traffic_throttle: how many seconds\' worth may pass at once. 1 if left out.' })),
    grace_period_seconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 3600, description: 'Of pod_termination: time for the pod to end by itself. 30 if left out.' })),
    effect: Type.Optional(Type.Enum(['NoSchedule', 'NoExecute'], { description: 'Of node_quarantine: effect of the taint. NoSchedule if left out.' })),
    channel: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'Of alert_only: who is told. default if left out.' })),
    priority: Type.Optional(Type.Enum([...SEVERITIES], { description: 'Of alert_only: how urgent it is. The severity of the rule if left out.' })),
    url: Type.Optional(Type.String({ minLength: 1, maxLength: 2000, description: 'Of custom_webhook, which needs it: http or https; not this machine, the link or a metadata service.' })),
    method: Type.Optional(Type.Enum(['POST', 'PUT'], { description: 'Of custom_webhook. POST if left out.' })),
  }, { ...closed, description: 'How it is done; each belongs to the action types that it names.' })),
}, { ...closed, description: 'One thing that is done when the rule fires and safety lets it.' })

/** A rule as a ThreatPolicy says it, under the keys of the policy file. */
export const WrittenRule = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 63, pattern: '^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$', description: 'Unique in its policy; decisions and mitigations name it as threatpolicy/NAME/ID.' }),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'For people; the id if left out.' })),
  description: Type.Optional(Type.String({ maxLength: 2000, description: 'What the rule is for.' })),
  enabled: Type.Optional(Type.Boolean({ description: otherwise('Whether it may fire.', 'true') })),
  attack_class: Type.String({ minLength: 1, maxLength: 63, description: 'Class of the detections that it answers, such as PORT_SCAN; or a name of your own, and then the rule fires on its condition alone.' }),
  severity: Type.Optional(Type.Enum([...SEVERITIES], { description: otherwise('How bad it is.', RULE_DEFAULTS.severity) })),
  confidence_threshold: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: otherwise('It fires for detections at or above this confidence.', RULE_DEFAULTS.confidenceThreshold) })),
  cooldown_seconds: Type.Optional(Type.Integer({ minimum: 0, maximum: DAY_S, description: otherwise('How long it rests after it acted, for each action, source and target.', RULE_DEFAULTS.cooldownSeconds) })),
  blast_radius_limit: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000, description: otherwise('The most pods whose traffic one action may change; more is held for a person.', RULE_DEFAULTS.blastRadiusLimit) })),
  approval: Type.Optional(Type.Object({
    required: Type.Optional(Type.Enum([...APPROVALS_REQUIRED], { description: otherwise('For what a person must agree before: always for all but alerts, drastic for what takes a pod or a node away.', DEFAULT_APPROVAL.required) })),
    deadline_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: DAY_S, description: otherwise('How long it waits for an answer.', DEFAULT_APPROVAL.deadlineSeconds) })),
    then: Type.Optional(Type.Enum([...AFTER_DEADLINE], { description: otherwise('What is done where nobody answers.', DEFAULT_APPROVAL.then) })),
  }, { ...closed, description: 'What it asks of people before it acts.' })),
  window: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_WINDOW_SECONDS, description: otherwise('Seconds over which features.* are added: 1 to 10, or a multiple of 15 up to 300, or of 60 up to 1200.', RULE_DEFAULTS.windowSeconds) })),
  ttl_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 30 * DAY_S, description: otherwise('Life of the restrictions that follow from it, after the last sign of the attack.', RULE_DEFAULTS.ttlSeconds) })),
  escalation: Type.Optional(Type.Enum([...ESCALATIONS], { description: otherwise('How far a restriction may grow that attempts get through: both, NetworkPolicies at the suspect and the victim whatever the direction says; isolation, the suspect cut off from everybody. Safety is asked at each step.', RULE_DEFAULTS.escalation) })),
  condition: Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description: 'When it fires beside that, in the syntax of AutoShield-K8s, such as: features.bytes_sent > 10000000 AND time.hour < 6. Always if neither this nor cel is there.' })),
  cel: Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description: 'The same in CEL, such as: features.bytes_sent > 10000000 && time.hour < 6. In place of condition.' })),
  actions: Type.Array(WrittenAction, { minItems: 1, maxItems: 16, description: 'What is done, each as far as safety lets it.' }),
}, { ...closed, description: 'Which detections lead to which actions.' })
