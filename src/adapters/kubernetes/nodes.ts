import { type NodeFacts, readNodeFacts } from '../../core/kubernetes/node-facts.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { NodeDirectory } from '../../ports/directories.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import { Mirror } from './mirror.ts'

/** The cluster's nodes, as the API server knows them now. */
export class KubernetesNodes implements NodeDirectory {
  readonly #mirror: Mirror<NodeFacts>

  constructor (api: Pick<KubernetesApi, 'watch'>) {
    this.#mirror = new Mirror(api, { resource: RESOURCES.nodes, read: readNodeFacts })
  }

  list (): readonly NodeFacts[] {
    return this.#mirror.list()
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    await this.#mirror.run(signal)
  }
}
