import type { NodeDirectory, PodDirectory, ServiceDirectory } from '../ports/directories.ts'

/**
 * The addresses by which somebody may have turned to what has this one: those of its pod, of the Services that send there, and of its
 * node, which may hand a port on to it. What a pod sends to any of them its observer tells of under that address.
 */
export const waysTo = ({ pods, services, nodes }: { readonly pods: PodDirectory, readonly services: ServiceDirectory | undefined, readonly nodes: NodeDirectory | undefined }) => (address: string): readonly string[] => {
  const pod = pods.byAddress(address)
  if (pod === null) return [address]
  const node = nodes?.list().find(({ name }) => name === pod.node)
  return [...new Set([address, ...pod.addresses, ...services?.inFrontOf(pod) ?? [], ...node?.addresses ?? []])]
}
