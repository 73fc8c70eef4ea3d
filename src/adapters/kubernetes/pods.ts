import type { Pod } from '../../core/pod.ts'
import { PodTable } from '../../core/kubernetes/pod-table.ts'
import { readPod } from '../../core/kubernetes/read-pod.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { PodDirectory } from '../../ports/directories.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import { Mirror } from './mirror.ts'

/** The cluster's pods and their addresses, as the API server knows them now. */
export class KubernetesPods implements PodDirectory {
  /** Resolves when every pod has been seen once. */
  readonly synced: Promise<undefined>
  readonly #mirror
  readonly #table = new PodTable()

  constructor (api: Pick<KubernetesApi, 'watch'>) {
    this.#mirror = new Mirror(api, { resource: RESOURCES.pods, read: readPod })
    this.synced = this.#mirror.synced
    this.#mirror.onChange(({ before, after }) => {
      // A successor of the same name has another uid.
      if (before !== null && before.uid !== after?.uid) this.#table.remove(before.uid)
      if (after !== null) this.#table.put(after)
    })
  }

  byAddress (address: string): Pod | null {
    return this.#table.byAddress(address)
  }

  byUid (uid: string): Pod | null {
    return this.#table.byUid(uid)
  }

  list (): readonly Pod[] {
    return this.#table.list()
  }

  /** Also those without an address of their own. */
  every (): readonly Pod[] {
    return this.#table.every()
  }

  ready (): boolean {
    return this.#mirror.ready()
  }

  /** Told of each pod that came, changed or went, after the directory shows it. Must not throw. */
  onChange (listener: () => void): Disposable {
    return this.#mirror.onChange(listener)
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    await this.#mirror.run(signal)
  }
}
