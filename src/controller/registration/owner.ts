import { AutoshieldError } from '../../core/errors.ts'
import { apiVersionOf, RESOURCES } from '../../core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'

/** The ClusterRole by which the chart lets the controller write webhook configurations. */
export const ownerName = (ownNamespace: string): string => `autoshield-controller-${ownNamespace}`

/**
 * The webhook configurations belong to the ClusterRole that lets the controller write them: whatever tool removes it, the
 * API server's garbage collector removes them, too, and the controller, if it runs on, has no right left to write them
 * anew. Empty where there is no such role (development) or it may not be seen: then they stay when AutoShield is removed.
 */
export async function ownerReferences (api: Pick<KubernetesApi, 'get'>, ownNamespace: string): Promise<readonly object[]> {
  const { clusterRoles: resource } = RESOURCES
  try {
    const role = await api.get(resource, ownerName(ownNamespace))
    return role?.metadata.uid === undefined ? [] : [{ apiVersion: apiVersionOf(resource), kind: resource.kind, name: role.metadata.name, uid: role.metadata.uid }]
  } catch (error) {
    if (AutoshieldError.from(error).code === 'UNTRUSTED') return []
    throw error
  }
}
