import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { PodSelectors } from '../../core/isolation/released-labels.ts'
import { LabelSelector, selectsEverything } from '../../core/kubernetes/label-selector.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import { Mirror } from './mirror.ts'
import type { KubernetesServices } from './services.ts'

const ReplicaSet = Compile(Type.Object({ spec: Type.Object({ selector: LabelSelector }) }))

/** What finds pods by their labels: Services and ReplicaSets, as the API server knows them now. */
export class KubernetesPodSelectors {
  /** Resolves when every ReplicaSet has been seen once. */
  readonly synced: Promise<undefined>
  readonly #services: Pick<KubernetesServices, 'selectorsIn'>
  readonly #replicaSets: Mirror<{ readonly namespace: string, readonly selector: LabelSelector }>

  constructor (api: Pick<KubernetesApi, 'watch'>, services: Pick<KubernetesServices, 'selectorsIn'>) {
    this.#services = services
    this.#replicaSets = new Mirror(api, {
      resource: RESOURCES.replicaSets,
      read: (object) => ReplicaSet.Check(object) && !selectsEverything(object.spec.selector) ? { namespace: object.metadata.namespace ?? '', selector: object.spec.selector } : null,
    })
    this.synced = this.#replicaSets.synced
  }

  of (namespace: string): PodSelectors {
    return {
      services: this.#services.selectorsIn(namespace),
      replicaSets: this.#replicaSets.list().filter((each) => each.namespace === namespace).map(({ selector }) => selector),
    }
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    await this.#replicaSets.run(signal)
  }
}
