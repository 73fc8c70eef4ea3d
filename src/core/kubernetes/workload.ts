import type { KubernetesObject } from './object.ts'

/**
 * `KIND/NAME` of the workload that a pod is of; null for one of none. A ReplicaSet of a Deployment is named after it and the
 * hash that its pods carry as a label, so that the pods of two releases are of one workload.
 */
export function workloadOf ({ metadata: { labels, ownerReferences } }: KubernetesObject): string | null {
  const owner = ownerReferences?.find(({ controller }) => controller === true)
  if (owner === undefined) return null
  const suffix = `-${labels?.['pod-template-hash'] ?? ''}`
  return owner.kind === 'ReplicaSet' && suffix !== '-' && owner.name.endsWith(suffix) ? `Deployment/${owner.name.slice(0, -suffix.length)}` : `${owner.kind}/${owner.name}`
}
