import { type NodeFacts, readNodeFacts } from '../../core/kubernetes/node-facts.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { NodeDirectory } from '../../ports/directories.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import { Mirror, type Change } from './mirror.ts'

/** The cluster's nodes, as the API server knows them now. */
export class KubernetesNodes implements NodeDirectory {
  /** Resolves when every node has been seen once. */
  readonly synced: Promise<undefined>
  readonly #mirror: Mirror<NodeFacts>

  constructor (api: Pick<KubernetesApi, 'watch'>) {
    this.#mirror = new Mirror(api, { resource: RESOURCES.nodes, read: readNodeFacts })
    this.synced = this.#mirror.synced
  }

  list (): readonly NodeFacts[] {
    return this.#mirror.list()
  }

  ready (): boolean {
    return this.#mirror.ready()
  }

  /** Told of each node that came, changed or went; its kubelet writes its state every few seconds. Must not throw. */
  onChange (listener: (change: Change<NodeFacts>) => void): Disposable {
    return this.#mirror.onChange(listener)
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    await this.#mirror.run(signal)
  }
}
