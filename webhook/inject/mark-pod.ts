import type { KubernetesObject } from '../../src/core/kubernetes/object.ts'
import { markOf, POD_LABEL } from '../../src/core/plan/pod-mark.ts'

/**
 * The pod with a label that no other pod has, whatever it came with: a template that was made from a pod brings that pod's along. Each
 * `uuid` gives another label, also to a pod that the API server shows once more after other webhooks.
 */
export function withMark (pod: KubernetesObject, uuid: string): KubernetesObject {
  return { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [POD_LABEL]: markOf(uuid) } } }
}
