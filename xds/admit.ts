import { spiffeId, type Identity } from '../src/core/identity.ts'
import type { Revocations } from '../src/ports/identity.ts'
import type { Connection } from './connections.ts'
import { refuse, type Refusal } from './refusal.ts'

export interface AdmitRules {
  readonly trustDomain: string
  readonly revocations?: Revocations
  /** Identities of AutoShield's own parts, which belong to no pod. */
  readonly roles?: Readonly<Record<string, Identity>>
}

/** Who a connection speaks for, or why it is not served. What the client claims to be is no part of it. */
export function admit ({ identity, serialNumber, notAfterMs, isTrusted }: Pick<Connection, 'identity' | 'serialNumber' | 'notAfterMs' | 'isTrusted'>, { trustDomain, revocations }: AdmitRules, nowMs: number): Identity | Refusal {
  if (identity === null) return refuse('NoIdentity')
  if (identity.trustDomain !== trustDomain) return refuse('WrongTrustDomain', `${identity.trustDomain}, and not ${trustDomain}`)
  if (nowMs >= notAfterMs) return refuse('Expired', `at ${new Date(notAfterMs).toISOString()}`)
  if (!isTrusted()) return refuse('UnknownAuthority', 'it was taken away')
  const revoked = revocations?.revoked(identity, serialNumber) ?? null
  return revoked === null ? identity : refuse('Revoked', revoked)
}

/** The name of a part of AutoShield's; null for an identity that can be a pod's. */
export function roleOf (identity: Identity, { roles = {} }: AdmitRules): string | null {
  const wanted = spiffeId(identity)
  return Object.entries(roles).find(([, its]) => spiffeId(its) === wanted)?.[0] ?? null
}
