import { Document } from 'yaml'
import { noticeOf } from '../errand/notice.ts'
import { FIELD_MANAGER, LABELS, MANAGED_BY } from '../injection/names.ts'
import { RELEASED_KEY } from '../isolation/released-labels.ts'
import type { MitigationSpec } from '../mitigation/mitigation.ts'
import type { Pod } from '../pod.ts'
import type { Action, Rule } from '../policy/rule.ts'
import type { Detection } from '../verdict/detection.ts'
import { labelValue } from './names.ts'
import type { ObjectMeta } from './network-policy.ts'
import { identityLabel } from './pod-mark.ts'
import type { PolicyKind } from './policy-object.ts'

/** On an object of ours: the mitigation that it belongs to, as a label value; the annotation of the same name has its whole name. */
export const MITIGATION_LABEL = 'autoshield.dev/mitigation'
/** On a policy of ours: the namespace of the AutoShield that made it, so that two in one cluster leave each other's alone. */
export const INSTALLATION_LABEL = 'autoshield.dev/installation'
/** Field manager of the labels by which policies of an installation select. */
export const marksManager = (installation: string): string => `${FIELD_MANAGER}-marks-${installation}`

/** An object that the action would apply, complete. */
export interface PlannedObject {
  readonly kind: PolicyKind | 'Pod' | 'Eviction' | 'Node' | 'HTTPRequest' | 'Alert' | 'Mitigation'
  /** One YAML document. */
  readonly yaml: string
}

/** One YAML document with its reason on top. Texts are quoted where YAML needs it, so names and reasons cannot add keys. */
export function planned (kind: PlannedObject['kind'], object: object, comment: string): PlannedObject {
  // Kubernetes reads YAML 1.1, where a bare `yes`, `0o7` or time is no text.
  const document = new Document(object, { aliasDuplicateObjects: false, compat: 'yaml-1.1' })
  document.commentBefore = comment.split('\n').map((line) => ` ${line}`).join('\n')
  return { kind, yaml: document.toString({ lineWidth: 0 }) }
}

/** Labels and annotations of everything that we own: who, why and until when. */
export function ownedMeta (name: string, namespace: string, mitigation: string, { owner, detection, expiresAt, reason }: MitigationSpec): ObjectMeta {
  return {
    name,
    namespace,
    labels: { [LABELS.managedBy]: MANAGED_BY, [MITIGATION_LABEL]: labelValue(mitigation) },
    annotations: {
      'autoshield.dev/mitigation': mitigation,
      'autoshield.dev/owner': `${owner.policy}#${owner.rule}`,
      'autoshield.dev/rule-hash': owner.hash,
      'autoshield.dev/detection': detection,
      'autoshield.dev/expires-at': expiresAt,
      'autoshield.dev/reason': reason,
    },
  }
}

export const expiresAt = (rule: Rule, nowMs: number): string => new Date(nowMs + rule.ttlSeconds * 1000).toISOString()

/** No restriction holds shorter than this, nor than the rule's cooldown: an attack that came back meanwhile would meet neither. */
const LEAST_SECONDS = 60

/** `kept`: what is taken away for a look is not given back because it keeps quiet. */
export function lifeOf ({ ttlSeconds, cooldownSeconds }: Rule, kept: 'as-needed' | 'whole'): NonNullable<MitigationSpec['life']> {
  return { ttlSeconds, leastSeconds: kept === 'whole' ? ttlSeconds : Math.min(ttlSeconds, Math.max(LEAST_SECONDS, cooldownSeconds)) }
}

export function reasonOf (rule: Rule, detection: Detection): string {
  const source = detection.source?.address ?? 'any source'
  const target = detection.target?.address ?? 'any destination'
  return `${detection.class} from ${source} to ${target} with confidence ${detection.confidence.toFixed(2)}, by rule ${JSON.stringify(rule.name)}`
}

/** The label that a policy needs to select this pod alone; null where the pod has it. */
export function labelPatch (pod: Pod): PlannedObject | null {
  const { key, value, present } = identityLabel(pod)
  if (present) return null
  return planned('Pod', {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: pod.name, namespace: pod.namespace, uid: pod.uid, labels: { [key]: value } },
  }, 'Server-side apply with field manager autoshield. Adds one label, so that a policy can select this pod and not its siblings.')
}

/** The labels that go, and stand in an annotation meanwhile. */
export function labelRelease ({ uid, namespace, name }: Pod, keys: readonly string[]): PlannedObject {
  return planned('Pod', {
    apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, uid, labels: Object.fromEntries(keys.map((key) => [key, null])) },
  }, `Read, change and write with the resourceVersion that was read, once the policy is stored: these labels go, and stand in the
annotation ${RELEASED_KEY} until the undo puts them back.`)
}

export function eviction (pod: Pod, gracePeriodSeconds: number): PlannedObject {
  return planned('Eviction', {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name: pod.name, namespace: pod.namespace },
    deleteOptions: { gracePeriodSeconds, preconditions: { uid: pod.uid } },
  }, `POST to /api/v1/namespaces/${pod.namespace}/pods/${pod.name}/eviction. Honours disruption budgets; the UID keeps it from a successor of the same name. What is known of the pod is kept before.`)
}

export function nodeTaint (node: string, effect: string, mitigation: string): PlannedObject {
  return planned('Node', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node },
    spec: { unschedulable: true, taints: [{ key: 'autoshield.dev/quarantine', value: labelValue(mitigation), effect }] },
  }, 'Read, change and write with the resourceVersion that was read: the taint joins those that the node has (the list is atomic).')
}

export function webhookRequest (action: Extract<Action, { type: 'custom_webhook' }>, rule: Rule, detection: Detection): PlannedObject {
  return planned('HTTPRequest', {
    method: action.method, url: action.url, headers: { 'content-type': 'application/json' }, body: noticeOf(rule, detection),
  }, `Sent at least once, with the decision's id as Idempotency-Key and X-AutoShield-Signature over time and body. Redirects are
not followed, it is given 5 s, and it goes to no address that the alert settings do not allow.`)
}

export function alert (action: Extract<Action, { type: 'alert_only' }>, rule: Rule, detection: Detection): PlannedObject {
  return planned('Alert', { channel: action.channel, priority: action.priority, ...noticeOf(rule, detection) }, 'Sent at least once, in the form of its channel. Restricts nothing.')
}

export function mitigationObject (spec: MitigationSpec, mitigation: string): PlannedObject {
  return planned('Mitigation', {
    apiVersion: 'autoshield.dev/v1alpha1', kind: 'Mitigation', metadata: { name: mitigation }, spec,
  }, 'A NetworkPolicy cannot limit a rate: the proxies of the victims carry this.')
}
