import { status, type Server, type ServerUnaryCall } from '@grpc/grpc-js'
import { identityOfPeer, spiffeId, type Identity } from '../src/core/identity.ts'
import type { TypedState } from './session.ts'

/** What is served beside ADS, on the same port; it decides by itself who may call. */
export interface Calls {
  readonly register: (server: Pick<Server, 'addService'>, clients: () => readonly Client[]) => void
  /** Ends every stream: its client connects elsewhere or again. */
  readonly end: () => void
}

/** A proxy that is connected here, by the newest of its streams. */
export interface Client {
  readonly identity: Identity
  /** What it has of each resource that it should have, or asks for. */
  readonly resources: () => readonly TypedState[]
}

/** Whether an identity may know of every proxy. */
export type MayWatch = (identity: Identity) => boolean

/** Why a call ends that is not served. */
export interface Refused { readonly code: status, readonly details: string }

/** Null where whoever calls may know of every proxy. */
export function refusedWatcher (call: Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext'>, mayWatch: MayWatch): Refused | null {
  const identity = identityOfPeer(call.getAuthContext().sslPeerCertificate ?? {})
  if (identity !== null && mayWatch(identity)) return null
  return { code: status.PERMISSION_DENIED, details: `${identity === null ? 'nobody' : spiffeId(identity)} may not know of every proxy; controllers alone may` }
}

export const SHUTTING_DOWN: Refused = { code: status.UNAVAILABLE, details: 'this xDS server is shutting down; connect again' }
