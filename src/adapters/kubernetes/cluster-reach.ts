import { addressText, parseAddress } from '../../core/flow/address.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { isRecord } from '../../core/kubernetes/read-object.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { Cluster } from '../../core/plan/reach/reach.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import type { ClusterReach } from '../../ports/network-policies.ts'
import { Mirror } from './mirror.ts'
import type { KubernetesNamespaces } from './namespaces.ts'
import type { KubernetesNetworkPolicies } from './network-policies.ts'
import type { KubernetesPods } from './pods.ts'

type Node = Cluster['nodes'][number]

export interface ClusterReachOf {
  readonly pods: Pick<KubernetesPods, 'list' | 'onChange' | 'ready'>
  readonly namespaces: Pick<KubernetesNamespaces, 'list' | 'onChange' | 'ready'>
  readonly policies: Pick<KubernetesNetworkPolicies, 'all' | 'plugin' | 'trouble' | 'unjudged' | 'onChange' | 'ready'>
}

/** What decides who reaches whom, joined from its parts; nodes are followed here. */
export class KubernetesClusterReach implements ClusterReach {
  /** Resolves when every node has been seen once. */
  readonly synced: Promise<undefined>
  readonly #of: ClusterReachOf
  readonly #nodes: Mirror<Node>
  #cluster: Cluster | null = null

  constructor (api: Pick<KubernetesApi, 'watch'>, of: ClusterReachOf) {
    this.#of = of
    this.#nodes = new Mirror(api, { resource: RESOURCES.nodes, read: readNode })
    this.synced = this.#nodes.synced
    const changed = (): void => { this.#cluster = null }
    for (const part of [of.namespaces, of.policies]) part.onChange(changed)
    // The kubelet writes its node's state every few seconds.
    this.#nodes.onChange(({ before, after }) => { if (JSON.stringify(before) !== JSON.stringify(after)) changed() })
  }

  cluster (): Cluster | null {
    const { pods, namespaces, policies } = this.#of
    if (![pods, namespaces, policies, this.#nodes].every((part) => part.ready())) return null
    const list = pods.list()
    if (this.#cluster?.pods !== list) {
      const { nodes = this.#nodes.list(), namespaces: named = namespaces.list(), policies: all = policies.all() } = this.#cluster ?? {}
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

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    await this.#nodes.run(signal)
  }
}

function readNode ({ metadata: { name }, status }: KubernetesObject): Node {
  const addresses = isRecord(status) && Array.isArray(status['addresses']) ? status['addresses'] : []
  return { name, addresses: addresses.flatMap((each: unknown) => isRecord(each) && typeof each['address'] === 'string' ? canonical(each['address']) : []) }
}

/** None for a host name. */
function canonical (text: string): string[] {
  const words = parseAddress(text)
  return words === null ? [] : [addressText(words, 0)]
}
