import { RESOURCES } from '../../core/kubernetes/resource.ts'
import { PANIC_MAP, readPanicOrder, type PanicOrder } from '../../core/safety/panic-order.ts'
import type { StandingOrders } from '../../ports/kill-switch.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import { Mirror } from './mirror.ts'

/** The kill switch as an object of the cluster: GitOps, kubectl or anybody who may write it pulls it, whether or not our API answers. */
export class KubernetesPanicMap implements StandingOrders {
  /** Resolves when it is known whether it is there. */
  readonly synced: Promise<undefined>
  readonly #namespace: string
  readonly #mirror: Mirror<PanicOrder>

  constructor (api: Pick<KubernetesApi, 'watch'>, { namespace }: { readonly namespace: string }) {
    this.#namespace = namespace
    this.#mirror = new Mirror(api, { resource: RESOURCES.configMaps, scope: { namespace, fieldSelector: `metadata.name=${PANIC_MAP}` }, read: readPanicOrder })
    this.synced = this.#mirror.synced
  }

  current (): PanicOrder | null {
    return this.#mirror.get(this.#namespace, PANIC_MAP)
  }

  onChange (listener: () => void): Disposable {
    return this.#mirror.onChange(listener)
  }

  ready (): boolean {
    return this.#mirror.ready()
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    await this.#mirror.run(signal)
  }
}
