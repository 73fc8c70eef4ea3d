import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'

/** The controller's Service finds the replica that leads by this label. */
export const LEADER_LABEL = 'autoshield.dev/leader'
/** A field manager of its own, so that what others apply to the pod and this do not undo each other. */
const MANAGER = 'autoshield-leader'

/** Puts the label on this pod and takes it from every other. */
export async function wearLeaderLabel (api: KubernetesApi, pod: { readonly namespace: string, readonly name: string }): Promise<void> {
  const label = async (name: string, labels: object): Promise<unknown> => api.apply(RESOURCES.pods, { metadata: { name, namespace: pod.namespace, labels } }, { fieldManager: MANAGER, force: true })
  const others = (await api.list(RESOURCES.pods, { namespace: pod.namespace, labelSelector: LEADER_LABEL })).filter(({ metadata }) => metadata.name !== pod.name)
  await Promise.all([label(pod.name, { [LEADER_LABEL]: 'true' }), ...others.map(async ({ metadata }) => label(metadata.name, {}))])
}
