import { KubernetesClusterReach } from '../../src/adapters/kubernetes/cluster-reach.ts'
import { KubernetesNamespaces } from '../../src/adapters/kubernetes/namespaces.ts'
import { KubernetesNetworkPolicies } from '../../src/adapters/kubernetes/network-policies.ts'
import { KubernetesNodes } from '../../src/adapters/kubernetes/nodes.ts'
import { KubernetesPodSelectors } from '../../src/adapters/kubernetes/pod-selectors.ts'
import { KubernetesPods } from '../../src/adapters/kubernetes/pods.ts'
import { KubernetesServices } from '../../src/adapters/kubernetes/services.ts'
import type { KubernetesApi } from '../../src/ports/kubernetes.ts'

/** What a controller follows of a cluster to restrict by its policies, as of now and on from here; ends with the test. */
export async function followCluster (t: { teardown: (end: () => Promise<void>) => unknown }, api: KubernetesApi, installation: string) {
  const [pods, namespaces, nodes, services, policies] = [new KubernetesPods(api), new KubernetesNamespaces(api), new KubernetesNodes(api), new KubernetesServices(api), new KubernetesNetworkPolicies(api, { installation })]
  const [reach, selectors] = [new KubernetesClusterReach({ pods, namespaces, nodes, policies }), new KubernetesPodSelectors(api, services)]
  const stop = new AbortController()
  const running = Promise.all([pods, namespaces, nodes, services, policies, selectors].map(async (part) => part.run(stop.signal)))
  t.teardown(async () => {
    stop.abort()
    await running
  })
  await Promise.all([pods, namespaces, nodes, policies, selectors].map(({ synced }) => synced))
  return { pods, policies, reach, selectors }
}
