import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { addressText, parseAddress } from '../flow/address.ts'
import { ANNOTATIONS, OBSERVER_CONTAINER, PROXY_CONTAINER } from '../injection/names.ts'
import type { PodProxy } from '../injection/pod-proxy.ts'
import { parseInjectionStatus } from '../injection/status.ts'
import type { KubernetesObject } from './object.ts'
import type { PodClaim } from './pod-table.ts'
import { workloadOf } from './workload.ts'

const containers = Type.Optional(Type.Array(Type.Object({ name: Type.String() })))

const PodShape = Compile(Type.Object({
  metadata: Type.Object({ uid: Type.String({ minLength: 1 }), namespace: Type.String({ minLength: 1 }) }),
  spec: Type.Object({ nodeName: Type.Optional(Type.String()), hostNetwork: Type.Optional(Type.Boolean()), containers, initContainers: containers }),
  status: Type.Optional(Type.Object({
    phase: Type.Optional(Type.String()),
    podIPs: Type.Optional(Type.Array(Type.Object({ ip: Type.Optional(Type.String()) }))),
  })),
}))

/** A pod as the loop needs it; null where it has finished, and owns nothing any more, or is none. */
export function readPod (object: KubernetesObject): PodClaim | null {
  if (!PodShape.Check(object)) return null
  const { metadata, spec, status = {} } = object
  const names = new Set([...spec.containers ?? [], ...spec.initContainers ?? []].map(({ name }) => name))
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return null
  return {
    uid: metadata.uid,
    namespace: metadata.namespace,
    name: object.metadata.name,
    // A pod on its node's network has the node's addresses, which stand for all that runs there.
    addresses: spec.hostNetwork === true ? [] : [...new Set((status.podIPs ?? []).flatMap(({ ip }) => ip === undefined ? [] : canonical(ip)))],
    labels: object.metadata.labels ?? {},
    node: spec.nodeName ?? '',
    workload: workloadOf(object),
    ...(object.metadata.creationTimestamp !== undefined && { createdMs: Date.parse(object.metadata.creationTimestamp) }),
    observed: names.has(OBSERVER_CONTAINER),
    proxy: names.has(PROXY_CONTAINER) ? proxyOf(object) : null,
    leaving: object.metadata.deletionTimestamp !== undefined,
  }
}

/** What its author forges there concerns this pod's own Envoy alone. */
function proxyOf ({ metadata: { annotations } }: KubernetesObject): PodProxy | null {
  return parseInjectionStatus(annotations?.[ANNOTATIONS.status] ?? '')?.proxy ?? null
}

function canonical (text: string): string[] {
  const words = parseAddress(text)
  return words === null ? [] : [addressText(words, 0)]
}
