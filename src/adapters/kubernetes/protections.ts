import { RESOURCES } from '../../core/kubernetes/resource.ts'
import { discoverProtected } from '../../core/safety/discover-protected.ts'
import { ProtectedSet } from '../../core/safety/protected.ts'
import type { SafetySettings } from '../../core/safety/settings.ts'
import type { Protections } from '../../ports/directories.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import { Mirror } from './mirror.ts'
import type { KubernetesNamespaces } from './namespaces.ts'
import type { KubernetesNodes } from './nodes.ts'
import type { KubernetesPods } from './pods.ts'
import { readApiServiceCaller, readBackEnds, readService, readWebhookCallers } from './read-protection.ts'

export interface ProtectionsOptions {
  /** AutoShield's own. */
  readonly namespace: string
  readonly settings: Pick<SafetySettings, 'protected'>
  readonly pods: Pick<KubernetesPods, 'every' | 'onChange'>
  readonly namespaces: Pick<KubernetesNamespaces, 'list' | 'onChange'>
  readonly nodes: Pick<KubernetesNodes, 'list' | 'onChange'>
  /** Whom this process asks for names. */
  readonly nameservers: readonly string[]
}

/** What is protected in a cluster, followed live; found anew when it is asked for after something changed. */
export class KubernetesProtections implements Protections {
  /** Resolves when everything that it is found from has been seen once, pods, namespaces and nodes apart. */
  readonly synced: Promise<undefined>
  readonly #options: ProtectionsOptions
  readonly #services
  readonly #slices
  readonly #mutating
  readonly #validating
  readonly #apiServices
  readonly #following = new DisposableStack()
  #found: ProtectedSet | null = null

  constructor (api: Pick<KubernetesApi, 'watch'>, options: ProtectionsOptions) {
    this.#options = options
    this.#services = new Mirror(api, { resource: RESOURCES.services, read: readService })
    this.#slices = new Mirror(api, { resource: RESOURCES.endpointSlices, read: readBackEnds })
    this.#mutating = new Mirror(api, { resource: RESOURCES.mutatingWebhooks, read: readWebhookCallers })
    this.#validating = new Mirror(api, { resource: RESOURCES.validatingWebhooks, read: readWebhookCallers })
    this.#apiServices = new Mirror(api, { resource: RESOURCES.apiServices, read: readApiServiceCaller })
    const changed = (): void => { this.#found = null }
    for (const mirror of this.#mirrors) this.#following.use(mirror.onChange(changed))
    this.#following.use(options.pods.onChange(changed))
    this.#following.use(options.namespaces.onChange(changed))
    this.#following.use(options.nodes.onChange(changed))
    this.synced = Promise.all(this.#mirrors.map(async ({ synced }) => synced)).then(() => undefined)
  }

  now (): ProtectedSet {
    const { namespace, settings, pods, namespaces, nodes, nameservers } = this.#options
    this.#found ??= new ProtectedSet(discoverProtected({
      ownNamespace: namespace,
      pods: pods.every(),
      namespaces: namespaces.list(),
      services: this.#services.list(),
      backEnds: this.#slices.list(),
      webhooks: [...this.#mutating.list(), ...this.#validating.list()].flat(),
      apiServices: this.#apiServices.list(),
      nodes: nodes.list(),
      nameservers,
    }, settings))
    return this.#found
  }

  ready (): boolean {
    return this.#mirrors.every((mirror) => mirror.ready())
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    await Promise.all(this.#mirrors.map(async (mirror) => mirror.run(signal)))
    this.#following.dispose()
  }

  get #mirrors () {
    return [this.#services, this.#slices, this.#mutating, this.#validating, this.#apiServices] as const
  }
}
