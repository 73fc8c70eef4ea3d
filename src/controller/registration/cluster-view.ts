import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { ANNOTATIONS, WEBHOOK_SERVICE } from '../../core/injection/names.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { RESOURCES, type Resource } from '../../core/kubernetes/resource.ts'
import type { KubernetesApi, Scope } from '../../ports/kubernetes.ts'
import { registrationName, type RegistrationSettings } from './registration-objects.ts'
import type { Registered } from './state.ts'

export const RESOURCE_OF: Readonly<Record<Registered, Resource>> = { mutating: RESOURCES.mutatingWebhooks, validating: RESOURCES.validatingWebhooks }

const Slice = Compile(Type.Object({
  endpoints: Type.Optional(Type.Union([Type.Null(), Type.Array(Type.Object({ conditions: Type.Optional(Type.Object({ ready: Type.Optional(Type.Boolean()) })) }))])),
}))

/** How many endpoints of an EndpointSlice take connections; one that does not say counts as ready (discovery.k8s.io/v1). */
export function readyEndpoints (slice: KubernetesObject): number {
  return Slice.Check(slice) ? (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).length : 0
}

/** What registration knows of the cluster, kept up to date by watches; each object is held by name. */
export class ClusterView {
  readonly #api: KubernetesApi
  readonly #settings: RegistrationSettings
  readonly #changed: () => void
  readonly #held = new Map<string, ReadonlyMap<string, KubernetesObject>>()

  /** `changed` is called after each change. */
  constructor (api: KubernetesApi, settings: RegistrationSettings, changed: () => void) {
    this.#api = api
    this.#settings = settings
    this.#changed = changed
  }

  async run (signal: AbortSignal): Promise<void> {
    const { revision, ownNamespace, backend } = this.#settings
    const ours = { fieldSelector: `metadata.name=${registrationName(revision)}` }
    const slices = { namespace: ownNamespace, labelSelector: `kubernetes.io/service-name=${WEBHOOK_SERVICE}` }
    await Promise.all([
      this.#follow(RESOURCES.mutatingWebhooks, ours, signal),
      this.#follow(RESOURCES.validatingWebhooks, ours, signal),
      this.#follow(RESOURCES.namespaces, { fieldSelector: `metadata.name=${ownNamespace}` }, signal),
      ...(backend.kind === 'service' ? [this.#follow(RESOURCES.endpointSlices, slices, signal)] : []),
    ])
  }

  /** Whether every watch has told what there is. */
  get synced (): boolean {
    const watched = [RESOURCES.mutatingWebhooks, RESOURCES.validatingWebhooks, RESOURCES.namespaces, ...(this.#settings.backend.kind === 'service' ? [RESOURCES.endpointSlices] : [])]
    return watched.every(({ plural }) => this.#held.has(plural))
  }

  /** Whether an operator has broken the glass. */
  get off (): boolean {
    return this.#of(RESOURCES.namespaces).get(this.#settings.ownNamespace)?.metadata.annotations?.[ANNOTATIONS.webhooks] === 'off'
  }

  /** Whether somebody would answer a review. Behind a URL nobody knows. */
  get answered (): boolean {
    return this.#settings.backend.kind === 'url' || [...this.#of(RESOURCES.endpointSlices).values()].some((slice) => readyEndpoints(slice) > 0)
  }

  configuration (webhook: Registered): KubernetesObject | null {
    return this.#of(RESOURCE_OF[webhook]).get(registrationName(this.#settings.revision)) ?? null
  }

  #of ({ plural }: Resource): ReadonlyMap<string, KubernetesObject> {
    return this.#held.get(plural) ?? new Map<string, KubernetesObject>()
  }

  async #follow (resource: Resource, scope: Scope, signal: AbortSignal): Promise<void> {
    for await (const event of this.#api.watch(resource, scope, signal)) {
      const held = new Map(event.type === 'synced' ? event.objects.map((object) => [object.metadata.name, object]) : this.#of(resource))
      if (event.type === 'put') held.set(event.object.metadata.name, event.object)
      if (event.type === 'gone') held.delete(event.object.metadata.name)
      this.#held.set(resource.plural, held)
      this.#changed()
    }
  }
}
