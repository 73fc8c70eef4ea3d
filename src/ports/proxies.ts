import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { OpenConnections } from '../core/mitigation/open-connections.ts'

/** What a proxy answered to the newest snapshot that it was sent. */
export interface ProxyStatus {
  readonly podUid: string
  readonly connected: boolean
  readonly version: string
  readonly state: 'in-sync' | 'pending' | 'rejected'
  /** Envoy's own words when rejected. */
  readonly message: string
  /** Names of the mitigations that the version carries. */
  readonly mitigations: readonly string[]
  /** When `state` or `version` last changed; ISO 8601. */
  readonly since: string
  /** Mitigations that the proxy refused, each in its own words, and that were therefore taken out of its snapshot again. */
  readonly refused: readonly { readonly mitigation: string, readonly message: string }[]
  /** Of `mitigations`, those that the proxy has taken, in this version or in one before. */
  readonly taken: readonly string[]
  /** Mitigations that this proxy cannot carry, wholly or in part, and why. */
  readonly shortfalls: readonly { readonly mitigation: string, readonly message: string }[]
  /** What becomes of open connections, by mitigation that enforces. */
  readonly openConnections: Readonly<Record<string, readonly OpenConnections[]>>
  /** What applications behind the proxy take for their clients' addresses: those, or the proxy's own. Absent where the proxy does not say. */
  readonly clientAddress?: { readonly kind: 'kept' | 'hidden', readonly why: string }
}

export interface ProxySnapshot {
  readonly version: string
  readonly resources: unknown
}

/** The controller's side of xDS: it hands over what should hold and hears what does. */
export interface ProxyFleet {
  /** The whole desired set; level-based, so the same set twice changes nothing. */
  apply: (mitigations: readonly Mitigation[]) => void
  /** False while nobody who serves proxies has told of them yet: then `statuses` says nothing about anything. */
  heard: () => boolean
  statuses: () => readonly ProxyStatus[]
  /** The resources, as JSON, that the proxy of this pod has or would get. Rejects UNAVAILABLE where nobody who serves it answers. */
  snapshot: (podUid: string) => ProxySnapshot | null | Promise<ProxySnapshot | null>
  onChange: (listener: (status: ProxyStatus) => void) => Disposable
}

/** A client that a server of ours refused, or several refusals of one peer. */
export interface ClientRefusal {
  /** Of the closed list in xds/refusal.ts, or of that in src/detector/refusal.ts. */
  readonly reason: string
  /** For whoever operates the client. */
  readonly details: string
  /** Address that the client came from. */
  readonly peer: string
  /** SPIFFE ID that the client proved; null where it proved none. */
  readonly identity: string | null
  /** Refusals that this stands for; more than 1 where there were more than are told one by one. The rest is that of the last. */
  readonly count: number
}

/** As its server numbered it: from 1, without a gap. */
export interface NumberedRefusal extends ClientRefusal {
  readonly sequence: number
  /** Unix time. */
  readonly atMs: number
}
