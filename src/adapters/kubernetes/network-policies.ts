import { RESOURCES } from '../../core/kubernetes/resource.ts'
import { marksManager } from '../../core/plan/objects.ts'
import { POLICY_KINDS, type PolicyKind, type PolicyObject } from '../../core/plan/policy-object.ts'
import type { Plugin, Policy } from '../../core/plan/reach/policy.ts'
import type { PodName } from '../../ports/directories.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import type { OwnPolicies, OwnPolicy } from '../../ports/network-policies.ts'
import { Lanes } from './lanes.ts'
import { Mirror } from './mirror.ts'
import { PoliciesOfKind } from './policies-of-kind.ts'

/** Pods that are labelled at once. */
const LANES = 16
/** Where this definition is served, Cilium carries the policies. */
const CILIUM = 'ciliumnetworkpolicies.cilium.io'

/** Everybody's NetworkPolicies, our own of Cilium's where that is there, and the way to write our own. */
export class KubernetesNetworkPolicies implements OwnPolicies {
  /** Resolves when every policy, and the plugin, has been seen once. */
  readonly synced: Promise<unknown>
  readonly #api: KubernetesApi
  readonly #installation: string
  readonly #kinds: Readonly<Record<PolicyKind, PoliciesOfKind>>
  readonly #definition: Mirror<true>
  /** Names of Cilium's for the whole cluster: none of them is ours. */
  readonly #clusterwide: Mirror<string>
  readonly #lanes = new Lanes(LANES)

  /** `installation`: AutoShield's own namespace. */
  constructor (api: KubernetesApi, { installation }: { readonly installation: string }) {
    this.#api = api
    this.#installation = installation
    this.#kinds = {
      NetworkPolicy: new PoliciesOfKind(api, { kind: 'NetworkPolicy', installation, read: 'everybodys' }),
      CiliumNetworkPolicy: new PoliciesOfKind(api, { kind: 'CiliumNetworkPolicy', installation, read: 'ours' }),
    }
    this.#definition = new Mirror(api, { resource: RESOURCES.customResourceDefinitions, scope: { fieldSelector: `metadata.name=${CILIUM}` }, read: () => true as const })
    this.#clusterwide = new Mirror(api, { resource: RESOURCES.ciliumClusterwideNetworkPolicies, read: ({ metadata }) => metadata.name })
    this.synced = this.#definition.synced.then(async () => Promise.all(this.#served().map(async ({ synced }) => synced)))
  }

  ready (): boolean {
    return this.#definition.ready() && this.#served().every((kind) => kind.ready())
  }

  plugin (): Plugin {
    return this.#definition.list().length > 0 ? 'cilium' : 'most'
  }

  /** Without those that cannot be read; of Cilium's our own alone. */
  all (): readonly Policy[] {
    return this.#served().flatMap((kind) => kind.all())
  }

  /** What is the matter with those that cannot be read; null where all can. */
  trouble (): string | null {
    return this.#kinds.NetworkPolicy.trouble()
  }

  /** Cilium's of others: their language is not ours to judge. */
  unjudged (): readonly string[] {
    return [...this.#kinds.CiliumNetworkPolicy.foreign().map((key) => `CiliumNetworkPolicy ${key}`), ...this.#clusterwide.list().map((name) => `CiliumClusterwideNetworkPolicy ${name}`)]
  }

  list (): readonly OwnPolicy[] {
    return this.#served().flatMap((kind) => kind.list())
  }

  isForeign (namespace: string, name: string): boolean {
    return this.#served().some((kind) => kind.isForeign(namespace, name))
  }

  async store (policy: PolicyObject): Promise<OwnPolicy> {
    return this.#kinds[policy.kind].store(policy)
  }

  async remove (policy: Pick<OwnPolicy, 'kind' | 'namespace' | 'name' | 'uid'>): Promise<void> {
    await this.#kinds[policy.kind].remove(policy)
  }

  async mark ({ uid, namespace, name }: PodName, labels: Readonly<Record<string, string>>): Promise<void> {
    // The UID keeps it from a successor of the same name, and from making a pod where there is none.
    await this.#lanes.run(uid, async () => this.#api.apply(RESOURCES.pods, { metadata: { name, namespace, uid, labels } }, { force: true, fieldManager: marksManager(this.#installation) }))
  }

  /** Told of each policy that came, changed or went, after it shows here, and of the plugin. Must not throw. */
  onChange (listener: () => void): Disposable {
    const listening = new DisposableStack()
    for (const part of [this.#definition, ...Object.values(this.#kinds)]) listening.use(part.onChange(listener))
    return listening
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    using watching = this.#definition.onChange(() => { if (this.plugin() === 'cilium') resolve(undefined) })
    signal.addEventListener('abort', () => { resolve(undefined) }, { once: true })
    await Promise.all([this.#definition.run(signal), this.#kinds.NetworkPolicy.run(signal), promise.then(async () => Promise.all([this.#kinds.CiliumNetworkPolicy.run(signal), this.#clusterwide.run(signal)]))])
    watching[Symbol.dispose]()
  }

  #served (): readonly PoliciesOfKind[] {
    return POLICY_KINDS.filter((kind) => kind === 'NetworkPolicy' || this.plugin() === 'cilium').map((kind) => this.#kinds[kind])
  }
}
