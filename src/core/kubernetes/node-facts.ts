import { addressText, parseAddress } from '../flow/address.ts'
import type { KubernetesObject } from './object.ts'
import { isRecord } from './read-object.ts'

/** A node as far as its quarantine, and who judges addresses, need to know it. */
export interface NodeFacts {
  readonly name: string
  /** In canonical text, without host names. */
  readonly addresses: readonly string[]
  readonly ready: boolean
  /** Takes new pods: not cordoned. */
  readonly schedulable: boolean
  readonly controlPlane: boolean
  /** Has a taint of ours. */
  readonly quarantined: boolean
}

/** Key of the taint and of the annotation that say that a node is quarantined by AutoShield. */
export const QUARANTINE_KEY = 'autoshield.dev/quarantine'

const CONTROL_PLANE = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master']

export function readNodeFacts (object: KubernetesObject): NodeFacts {
  const { metadata: { name, labels = {} } } = object
  const [spec, status] = [object['spec'], object['status']]
  const taints = recordsOf(spec, 'taints').map(({ key }) => key)
  return {
    name,
    addresses: recordsOf(status, 'addresses').flatMap(({ address }) => typeof address === 'string' ? canonical(address) : []),
    ready: recordsOf(status, 'conditions').some((condition) => condition['type'] === 'Ready' && condition['status'] === 'True'),
    schedulable: !(isRecord(spec) && spec['unschedulable'] === true),
    controlPlane: CONTROL_PLANE.some((key) => Object.hasOwn(labels, key) || taints.includes(key)),
    quarantined: taints.includes(QUARANTINE_KEY),
  }
}

function canonical (text: string): string[] {
  const words = parseAddress(text)
  return words === null ? [] : [addressText(words, 0)]
}

export const recordsOf = (of: unknown, field: string): readonly Readonly<Record<string, unknown>>[] => {
  const list: unknown = isRecord(of) ? of[field] : undefined
  return Array.isArray(list) ? list.filter(isRecord) : []
}
