import type { Namespace } from '../../core/kubernetes/object.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { NamespaceDirectory } from '../../ports/directories.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import { Mirror } from './mirror.ts'

/** The cluster's namespaces with their labels, as the API server knows them now. */
export class KubernetesNamespaces implements NamespaceDirectory {
  /** Resolves when every namespace has been seen once. */
  readonly synced: Promise<undefined>
  readonly #mirror

  constructor (api: Pick<KubernetesApi, 'watch'>) {
    this.#mirror = new Mirror<Namespace>(api, {
      resource: RESOURCES.namespaces,
      read: ({ metadata: { name, labels = {}, annotations = {} } }) => ({ name, labels, annotations }),
    })
    this.synced = this.#mirror.synced
  }

  byName (name: string): Namespace | null {
    return this.#mirror.get(undefined, name)
  }

  /** In no order that means anything. */
  list (): readonly Namespace[] {
    return this.#mirror.list()
  }

  ready (): boolean {
    return this.#mirror.ready()
  }

  /** Told of each namespace that came, changed or went, after the directory shows it. Must not throw. */
  onChange (listener: () => void): Disposable {
    return this.#mirror.onChange(listener)
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    await this.#mirror.run(signal)
  }
}
