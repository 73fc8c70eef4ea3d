import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { ThreatPolicySpec, ThreatPolicyStatus, type ThreatPolicy } from '../../core/policy/threat-policy.ts'

const { rules } = ThreatPolicySpec.properties
const { actions } = rules.items.properties
const { parameters } = actions.items.properties

const is = (types: readonly string[]): string => types.map((type) => `self.action_type == '${type}'`).join(' || ')
/** A parameter of some action types alone. */
const belongs = (name: string, ...types: string[]) =>
  ({ rule: `!has(self.parameters) || !has(self.parameters.${name}) || ${is(types)}`, message: `${name} belongs to ${types.join(' and ')}` })
const needs = (type: string, name: string) =>
  ({ rule: `self.action_type != '${type}' || (has(self.parameters) && has(self.parameters.${name}))`, message: `${type} needs parameters.${name}` })

/** What the API server refuses by itself. What it cannot judge (the conditions, addresses, rates) the status tells. */
export const StoredThreatPolicySpec = {
  ...ThreatPolicySpec,
  properties: {
    ...ThreatPolicySpec.properties,
    rules: {
      ...rules,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['id'],
      items: {
        ...rules.items,
        properties: {
          ...rules.items.properties,
          actions: {
            ...actions,
            'x-kubernetes-list-type': 'atomic',
            items: {
              ...actions.items,
              properties: { ...actions.items.properties, parameters },
              'x-kubernetes-validations': [
                belongs('direction', 'network_policy', 'traffic_throttle'),
                belongs('ports', 'network_policy', 'traffic_throttle'),
                belongs('rate_limit', 'traffic_throttle'),
                belongs('burst_seconds', 'traffic_throttle'),
                belongs('grace_period_seconds', 'pod_termination'),
                belongs('effect', 'node_quarantine'),
                belongs('channel', 'alert_only'),
                belongs('priority', 'alert_only'),
                belongs('url', 'custom_webhook'),
                belongs('method', 'custom_webhook'),
                needs('traffic_throttle', 'rate_limit'),
                needs('custom_webhook', 'url'),
              ],
            },
          },
        },
        'x-kubernetes-validations': [
          { rule: '!(has(self.condition) && has(self.cel))', message: 'it has either condition or cel; && joins what both say' },
          { rule: "self.attack_class != 'BENIGN'", message: 'BENIGN is no attack' },
        ],
      },
    },
  },
}

export const StoredThreatPolicyStatus = {
  ...ThreatPolicyStatus,
  properties: {
    ...ThreatPolicyStatus.properties,
    conditions: { ...ThreatPolicyStatus.properties.conditions, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
  },
}

const Dated = Compile(Type.Object({ uid: Type.String(), generation: Type.Integer({ minimum: 1 }), creationTimestamp: Type.String() }))
const status = Compile(ThreatPolicyStatus)

/** Null for what has no name or generation yet. */
export function fromStoredThreatPolicy ({ metadata, ...object }: KubernetesObject): ThreatPolicy | null {
  if (!Dated.Check(metadata)) return null
  const { name, uid, generation, creationTimestamp } = metadata
  return { metadata: { name, uid, generation, creationTimestamp }, spec: object['spec'], status: status.Check(object['status']) ? object['status'] : null }
}
