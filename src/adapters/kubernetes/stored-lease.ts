import { isRecord } from '../../core/kubernetes/read-object.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import type { LeaseRecord } from '../../core/leadership/lease.ts'

/** Replicas that have all that the leader acknowledged, with commas between. */
const IN_SYNC = 'autoshield.dev/in-sync'
/** `HOST:PORT` at which the leader is followed. */
export const ADDRESS = 'autoshield.dev/leader-address'

/** A Lease of coordination.k8s.io/v1. Total: what is missing is read as laid down by nobody. */
export function readLease (object: KubernetesObject): LeaseRecord {
  const spec = isRecord(object['spec']) ? object['spec'] : {}
  const { holderIdentity, leaseDurationSeconds, leaseTransitions } = spec
  const inSync = object.metadata.annotations?.[IN_SYNC] ?? ''
  return {
    holder: typeof holderIdentity === 'string' && holderIdentity !== '' ? holderIdentity : null,
    durationMs: typeof leaseDurationSeconds === 'number' ? leaseDurationSeconds * 1_000 : 0,
    transitions: typeof leaseTransitions === 'number' ? leaseTransitions : 0,
    inSync: inSync === '' ? [] : inSync.split(','),
  }
}

export function writeLease (object: KubernetesObject, { holder, durationMs, transitions, inSync }: LeaseRecord, address: string, nowMs: number): KubernetesObject {
  const before = isRecord(object['spec']) ? object['spec'] : {}
  const at = new Date(nowMs).toISOString().replace('Z', '000Z') // MicroTime
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [IN_SYNC]: inSync.join(','), [ADDRESS]: address } },
    spec: {
      ...before,
      holderIdentity: holder ?? '',
      leaseDurationSeconds: Math.ceil(durationMs / 1_000),
      leaseTransitions: transitions,
      renewTime: at,
      acquireTime: before['holderIdentity'] === holder ? before['acquireTime'] ?? at : at,
    },
  }
}
