import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { addressText, parseAddress } from '../flow/address.ts'
import { readReleased } from '../isolation/released-labels.ts'
import { ANNOTATIONS, OBSERVER_CONTAINER, PROXY_CONTAINER } from '../injection/names.ts'
import type { PodProxy } from '../injection/pod-proxy.ts'
import { parseInjectionStatus } from '../injection/status.ts'
import { isMark, POD_LABEL } from '../plan/pod-mark.ts'
import type { NamedPort } from '../pod.ts'
import type { KubernetesObject } from './object.ts'
import type { PodClaim } from './pod-table.ts'
import { TRANSPORTS } from './transport.ts'
import { workloadOf } from './workload.ts'

const port = Type.Object({ name: Type.Optional(Type.String()), protocol: Type.Optional(Type.Enum([...TRANSPORTS])), containerPort: Type.Integer({ minimum: 1, maximum: 65_535 }) })
const container = Type.Object({ name: Type.String(), restartPolicy: Type.Optional(Type.String()), ports: Type.Optional(Type.Array(port)) })
const containers = Type.Optional(Type.Array(container))

const PodShape = Compile(Type.Object({
  metadata: Type.Object({ uid: Type.String({ minLength: 1 }), namespace: Type.String({ minLength: 1 }) }),
  spec: Type.Object({ nodeName: Type.Optional(Type.String()), hostNetwork: Type.Optional(Type.Boolean()), priorityClassName: Type.Optional(Type.String()), containers, initContainers: containers }),
  status: Type.Optional(Type.Object({
    phase: Type.Optional(Type.String()),
    conditions: Type.Optional(Type.Array(Type.Object({ type: Type.String(), status: Type.String() }))),
    podIPs: Type.Optional(Type.Array(Type.Object({ ip: Type.Optional(Type.String()) }))),
  })),
}))

/** A pod as the loop needs it; null where it has finished, and owns nothing any more, or is none. */
export function readPod (object: KubernetesObject): PodClaim | null {
  if (!PodShape.Check(object)) return null
  const { metadata, spec, status = {} } = object
  const { containers = [], initContainers = [], hostNetwork = false, priorityClassName } = spec
  const names = new Set([...containers, ...initContainers].map(({ name }) => name))
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return null
  const released = readReleased(object)
  const { labels = {} } = object.metadata
  const mark = labels[POD_LABEL] ?? ''
  return {
    uid: metadata.uid,
    namespace: metadata.namespace,
    name: object.metadata.name,
    // A pod on its node's network has the node's addresses, which stand for all that runs there.
    addresses: hostNetwork ? [] : [...new Set((status.podIPs ?? []).flatMap(({ ip }) => ip === undefined ? [] : canonical(ip)))],
    labels,
    node: spec.nodeName ?? '',
    ...(isMark(mark) && { mark }),
    workload: workloadOf(object),
    ...(released !== null && { released }),
    ...(object.metadata.creationTimestamp !== undefined && { createdMs: Date.parse(object.metadata.creationTimestamp) }),
    ports: [...containers, ...initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')].flatMap(namedPorts),
    hostNetwork,
    ready: status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
    ...(priorityClassName !== undefined && { priorityClass: priorityClassName }),
    observed: names.has(OBSERVER_CONTAINER),
    proxy: names.has(PROXY_CONTAINER) ? proxyOf(object) : null,
    leaving: object.metadata.deletionTimestamp !== undefined,
  }
}

const namedPorts = ({ ports = [] }: Static<typeof container>): NamedPort[] =>
  ports.flatMap(({ name, protocol = 'TCP', containerPort }) => name === undefined ? [] : [{ name, protocol, number: containerPort }])

/** What its author forges there concerns this pod's own Envoy alone. */
function proxyOf ({ metadata: { annotations } }: KubernetesObject): PodProxy | null {
  return parseInjectionStatus(annotations?.[ANNOTATIONS.status] ?? '')?.proxy ?? null
}

function canonical (text: string): string[] {
  const words = parseAddress(text)
  return words === null ? [] : [addressText(words, 0)]
}
