import { fromStored } from '../../src/adapters/kubernetes/stored-mitigation.ts'
import type { KubernetesObject } from '../../src/core/kubernetes/object.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import { OWN_NAMESPACE } from '../real/installed.ts'
import type { TestCluster } from '../real/cluster/test-cluster.ts'
import type { Attempt, Ends } from './ends.ts'

const WITHIN_MS = 5000

/** What a mitigation may touch in the tests' own namespace and everywhere: labels, policies, who is behind Services. Without versions and times. */
export async function objectsOf ({ kubectl }: TestCluster, namespace: string): Promise<string[]> {
  const lines = async (args: readonly string[], template: string): Promise<string[]> =>
    (await kubectl(['get', ...args, '-o', `jsonpath={range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name} ${template}{"\\n"}{end}`])).split('\n').filter((line) => line !== '')
  const found = await Promise.all([
    lines(['pods', '-n', namespace], '{.metadata.labels} {.metadata.ownerReferences[*].kind} {.metadata.uid}'),
    lines(['networkpolicies', '-A'], '{.metadata.labels} {.spec}'),
    lines(['ciliumnetworkpolicies', '-A'], '{.metadata.labels} {.spec}'),
    lines(['endpointslices', '-n', namespace], '{.endpoints[*].addresses[*]} {.ports[*].port}'),
    lines(['nodes'], '{.spec.taints} {.spec.unschedulable}'),
  ])
  return found.flat().sort()
}

/** Who reaches whom on these ports, by real packets, as `SOURCE > DESTINATION:PORT`. */
export async function reachability (ends: Ends, ports: readonly number[]): Promise<string[]> {
  const attempts = ends.addresses.flatMap((source) => ends.addresses.filter((destination) => destination !== source).flatMap((destination) => ports.map((port): Attempt => ({ source, destination, protocol: 'TCP', port }))))
  const reached = await ends.try(attempts, WITHIN_MS)
  return attempts.flatMap(({ source, destination, port }, at) => reached[at] === true ? [`${source} > ${destination}:${port}`] : [])
}

/** All mitigations, oldest first, as the loop reads them. One whose status has not come yet is left out. */
export async function mitigations ({ kubectl }: Pick<TestCluster, 'kubectl'>): Promise<readonly Mitigation[]> {
  const { items } = JSON.parse(await kubectl(['-n', OWN_NAMESPACE, 'get', 'mitigations', '-o', 'json', '--sort-by=.spec.createdAt'])) as { items: KubernetesObject[] }
  return items.flatMap((item) => fromStored(item) ?? []).filter(({ status }) => status.conditions.length > 0)
}
