import type { Identity } from '../core/identity.ts'
import type { Witness } from '../core/history/sighting.ts'
import type { WindowKey } from '../core/window/window.ts'
import type { PodDirectory } from '../ports/directories.ts'

/**
 * What an observer may speak of: only its own pod, or everything. Whoever may speak of everything replays a recording,
 * and what it says is simulated, whatever it claims.
 */
export type ReporterScope =
  /** `isKnown`: whether an address is any pod's. */
  | { readonly kind: 'own', readonly owns: (address: string) => boolean, readonly isKnown: (address: string) => boolean }
  | { readonly kind: 'replay' }

/** The scope of an identity whose certificate was verified; null for one that nobody knows. */
export type ScopeOf = (identity: Identity) => ReporterScope | null

/** The `uid` of the one identity that may replay recordings (standalone mode). */
export const REPLAY_UID = 'replay'

/** Scopes by the pods of a directory, asked anew for each address, so that one that moved is no longer spoken for. */
export function scopeFromPods (pods: PodDirectory, { trustDomain }: { readonly trustDomain: string }): ScopeOf {
  return (identity) => {
    if (identity.trustDomain !== trustDomain) return null
    if (identity.uid === REPLAY_UID && identity.namespace === REPLAY_UID) return { kind: 'replay' }
    if (pods.byUid(identity.uid)?.namespace !== identity.namespace) return null
    return { kind: 'own', owns: (address) => pods.byAddress(address)?.uid === identity.uid, isKnown: (address) => pods.byAddress(address) !== null }
  }
}

/**
 * Whether a reporter may report this key (CONTRACTS, "Who reports what"): pairs in which its pod is one end, fan-outs
 * from it, fan-ins to it. Otherwise one compromised observer could accuse any pod of anything.
 */
export function maySpeakOf (scope: ReporterScope, key: WindowKey): boolean {
  if (scope.kind === 'replay') return true
  switch (key.kind) {
    case 'pair': return scope.owns(key.source) || scope.owns(key.destination)
    case 'fan-out': return scope.owns(key.source)
    case 'fan-in': return scope.owns(key.destination)
  }
}

/** Which end of a pair a reporter stands for that may speak of it. */
export const witnessIn = (scope: ReporterScope) => (destination: string): Witness => {
  if (scope.kind === 'replay') return 'recording'
  return scope.owns(destination) ? 'destination' : 'source'
}
