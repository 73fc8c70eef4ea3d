import type { NodeFacts } from '../../core/kubernetes/node-facts.ts'
import type { Cluster } from '../../core/plan/reach/reach.ts'
import type { ClusterReach } from '../../ports/network-policies.ts'
import type { KubernetesNamespaces } from './namespaces.ts'
import type { KubernetesNetworkPolicies } from './network-policies.ts'
import type { KubernetesNodes } from './nodes.ts'
import type { KubernetesPods } from './pods.ts'

export interface ClusterReachOf {
  readonly pods: Pick<KubernetesPods, 'list' | 'onChange' | 'ready'>
  readonly namespaces: Pick<KubernetesNamespaces, 'list' | 'onChange' | 'ready'>
  readonly nodes: Pick<KubernetesNodes, 'list' | 'onChange' | 'ready'>
  readonly policies: Pick<KubernetesNetworkPolicies, 'all' | 'plugin' | 'trouble' | 'unjudged' | 'onChange' | 'ready'>
}

/** What of a node says who it is. */
const identityOf = (node: NodeFacts | null): string => JSON.stringify([node?.name, node?.addresses])

/** What decides who reaches whom, joined from its parts, which others follow. */
export class KubernetesClusterReach implements ClusterReach {
  readonly #of: ClusterReachOf
  #cluster: Cluster | null = null

  constructor (of: ClusterReachOf) {
    this.#of = of
    const changed = (): void => { this.#cluster = null }
    for (const part of [of.namespaces, of.policies]) part.onChange(changed)
    // The kubelet writes its node's state every few seconds.
    of.nodes.onChange(({ before, after }) => { if (identityOf(before) !== identityOf(after)) changed() })
  }

  cluster (): Cluster | null {
    const { pods, namespaces, policies, nodes: known } = this.#of
    if (![pods, namespaces, policies, known].every((part) => part.ready())) return null
    const list = pods.list()
    if (this.#cluster?.pods !== list) {
      const { nodes = known.list(), namespaces: named = namespaces.list(), policies: all = policies.all() } = this.#cluster ?? {}
      this.#cluster = { pods: list, namespaces: named, nodes, policies: all, plugin: this.#of.policies.plugin() }
    }
    return this.#cluster
  }

  trouble (): string | null {
    return this.#of.policies.trouble()
  }

  unjudged (): readonly string[] {
    return this.#of.policies.unjudged()
  }

  /** Told of a policy or a namespace that came, changed or went. Must not throw. */
  onChange (listener: () => void): Disposable {
    const listening = new DisposableStack()
    for (const part of [this.#of.namespaces, this.#of.policies]) listening.use(part.onChange(listener))
    return listening
  }
}
