import type { Pod } from '../../pod.ts'
import type { CompiledPolicy } from './compiled.ts'
import type { Policy } from './policy.ts'

type Shelf = Map<string, CompiledPolicy[]>

const UNLABELLED = ''
const entry = (key: string, value: string): string => `${key}\0${value}`

/**
 * Which policies select a pod. Each policy lies under one label that its selector asks for, the one that the fewest others ask for,
 * so that of a namespace's policies only a few are asked about a pod.
 */
export class PolicyIndex {
  readonly #byNamespace = new Map<string, Shelf>()

  /** Keys of labels that their selectors name. */
  readonly #keys = new Set<string>()

  constructor (policies: readonly CompiledPolicy[]) {
    for (const { policy } of policies) for (const key of keysOf(policy)) this.#keys.add(key)
    for (const [namespace, some] of Map.groupBy(policies, ({ policy }) => policy.namespace)) {
      const labelsOf = ({ policy }: CompiledPolicy): string[] => Object.entries(policy.pods.matchLabels ?? {}).map(([key, value]) => entry(key, value))
      const asked = new Map<string, number>()
      for (const label of some.flatMap(labelsOf)) asked.set(label, (asked.get(label) ?? 0) + 1)
      const rarest = (policy: CompiledPolicy): string => labelsOf(policy).sort((left, right) => (asked.get(left) ?? 0) - (asked.get(right) ?? 0))[0] ?? UNLABELLED
      this.#byNamespace.set(namespace, Map.groupBy(some, rarest))
    }
  }

  selecting ({ namespace, labels }: Pick<Pod, 'namespace' | 'labels'>): CompiledPolicy[] {
    const shelf = this.#byNamespace.get(namespace)
    if (shelf === undefined) return []
    const found: CompiledPolicy[] = []
    for (const at of [UNLABELLED, ...Object.entries(labels).map(([key, value]) => entry(key, value))]) {
      for (const policy of shelf.get(at) ?? []) if (policy.selects(labels)) found.push(policy)
    }
    return found
  }

  /** Whether some selector of pods names a label of this key. */
  asksFor (key: string): boolean {
    return this.#keys.has(key)
  }
}

function keysOf ({ pods, ingress, egress, deny }: Policy): string[] {
  const peers = [...ingress ?? [], ...egress ?? [], ...deny?.ingress ?? [], ...deny?.egress ?? []].flatMap((rule) => rule.peers === 'everybody' ? [] : rule.peers)
  const selectors = [pods, ...peers.flatMap((peer) => peer.kind === 'pods' ? [peer.pods] : [])]
  return selectors.flatMap(({ matchLabels = {}, matchExpressions = [] }) => [...Object.keys(matchLabels), ...matchExpressions.map(({ key }) => key)])
}
