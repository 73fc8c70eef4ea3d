import { readReleased } from '../isolation/released-labels.ts'
import type { KubernetesObject } from './object.ts'

/** A kind of the API server's has 63 characters at most, a name 253. */
const MAX_LENGTH = 63 + 1 + 253

/**
 * `KIND/NAME` of the workload that a pod is of; null for one of none. A ReplicaSet of a Deployment is named after it and the
 * hash that its pods carry as a label, so that the pods of two releases are of one workload. Whoever makes a pod
 * can write any owner into it: one that is longer than any there is, is none. A pod that an isolation took from its owner stays of its
 * workload.
 */
export function workloadOf (object: KubernetesObject): string | null {
  const released = readReleased(object)
  if (released !== null) return released.workload
  const { labels, ownerReferences } = object.metadata
  const owner = ownerReferences?.find(({ controller }) => controller === true)
  if (owner === undefined) return null
  const suffix = `-${labels?.['pod-template-hash'] ?? ''}`
  const workload = owner.kind === 'ReplicaSet' && suffix !== '-' && owner.name.endsWith(suffix) ? `Deployment/${owner.name.slice(0, -suffix.length)}` : `${owner.kind}/${owner.name}`
  return workload.length > MAX_LENGTH ? null : workload
}
