import { standingOf } from '../../core/mitigation/proxy-standing.ts'
import type { Loop } from '../../ports/loop.ts'
import type { ProxyStatus } from '../../ports/proxies.ts'
import type { Proxy, ProxyRestriction } from './views.ts'

/** A proxy with its pod's name, and what each of its restrictions is. */
export function proxyView ({ pods, store }: Loop, status: ProxyStatus, nowMs: number): Proxy {
  const pod = pods.byUid(status.podUid)
  return {
    ...status,
    namespace: pod?.namespace ?? null,
    name: pod?.name ?? null,
    standing: standingOf(status, nowMs),
    mitigations: [...status.mitigations],
    refused: [...status.refused],
    taken: [...status.taken],
    shortfalls: [...status.shortfalls],
    openConnections: Object.fromEntries(Object.entries(status.openConnections).map(([name, each]) => [name, [...each]])),
    restrictions: status.mitigations.flatMap((name) => restrictionOf(store, name, status)),
  }
}

/** None where the store does not know it any more. */
function restrictionOf ({ mitigations }: Loop['store'], name: string, { taken, openConnections }: ProxyStatus): ProxyRestriction[] {
  const mitigation = mitigations.get(name)
  if (mitigation === null) return []
  const { spec: { subject, action, limit, ports, mode, expiresAt }, status: { simulated } } = mitigation
  return [{
    mitigation: name,
    sources: subject === 'anySource' ? [] : [...subject.addresses],
    action,
    ...(limit !== undefined && { limit }),
    ...(ports !== 'any' && { ports: [...ports] }),
    shadow: simulated || mode === 'shadow',
    taken: taken.includes(name),
    openConnections: [...openConnections[name] ?? []],
    expiresAt,
  }]
}
