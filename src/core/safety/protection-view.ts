import type { Pod } from '../pod.ts'

/** A Service as far as protection asks for it. */
export interface ServiceView {
  readonly namespace: string
  readonly name: string
  readonly addresses: readonly string[]
  /** Its ports, of any transport. */
  readonly ports: readonly number[]
}

/** Who answers for a Service. */
export interface BackEnds {
  readonly namespace: string
  /** Name of the EndpointSlice. */
  readonly slice: string
  readonly service: string
  readonly addresses: readonly string[]
  readonly podUids: readonly string[]
}

/** Something of the API server that calls a Service: an entry of a webhook configuration, or an APIService. */
export interface Caller {
  readonly name: string
  readonly service: { readonly namespace: string, readonly name: string }
}

export interface NodeView {
  readonly name: string
  readonly addresses: readonly string[]
}

/** What is protected is found from this, as the cluster is at one moment; without a cluster all but the pods is empty. */
export interface ProtectionView {
  /** Ours; null without a cluster. */
  readonly ownNamespace: string | null
  /** Also those without an address of their own. */
  readonly pods: readonly Pod[]
  readonly namespaces: readonly { readonly name: string, readonly labels: Readonly<Record<string, string>> }[]
  readonly services: readonly ServiceView[]
  readonly backEnds: readonly BackEnds[]
  readonly webhooks: readonly Caller[]
  readonly apiServices: readonly Caller[]
  readonly nodes: readonly NodeView[]
  /** Whom our own process asks for names. */
  readonly nameservers: readonly string[]
}
