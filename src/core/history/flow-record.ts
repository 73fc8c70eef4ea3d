import { Type, type Static } from 'typebox'
import { PROTOCOLS } from '../flow/packet.ts'
import type { Labels } from '../kubernetes/label-selector.ts'
import { TRANSPORTS, type Transport } from '../kubernetes/transport.ts'
import type { Pod } from '../pod.ts'
import { WITNESSES } from './sighting.ts'

/** A pod as it was when its flow was recorded: it may be gone, or labelled otherwise, by now. */
export const FlowPod = Type.Object({
  uid: Type.String(),
  namespace: Type.String(),
  name: Type.String(),
  labels: Type.Record(Type.String(), Type.String()),
  namespaceLabels: Type.Record(Type.String(), Type.String(), { description: 'Those of its namespace.' }),
  node: Type.String(),
  workload: Type.Union([Type.String(), Type.Null()], { description: 'KIND/NAME of the workload that it was of; null for none or where nobody could tell.' }),
  hostNetwork: Type.Boolean(),
  ports: Type.Array(Type.Object({ name: Type.String(), protocol: Type.Enum([...TRANSPORTS]), number: Type.Integer() }), { description: 'Those that had a name.' }),
})
export type FlowPod = Static<typeof FlowPod>

/** A Service as far as it says where its connections end. */
export const FlowService = Type.Object({
  namespace: Type.String(),
  name: Type.String(),
  selector: Type.Record(Type.String(), Type.String(), { description: 'Labels of the pods behind it; empty where other addresses are.' }),
  ports: Type.Array(Type.Object({ protocol: Type.Enum([...TRANSPORTS]), port: Type.Integer(), target: Type.Union([Type.Integer(), Type.String()]) })),
  addresses: Type.Array(Type.String(), { description: 'What is behind it where it selects no pods.' }),
})
export type FlowService = Static<typeof FlowService>

/** One end of a flow: the pod that had the address when it was recorded, or the Service, or neither. */
export const FlowEnd = Type.Object({ address: Type.String(), pod: Type.Union([FlowPod, Type.Null()]), service: Type.Union([FlowService, Type.Null()]) })
export type FlowEnd = Static<typeof FlowEnd>

export const FlowCounts = Type.Object({
  begun: Type.Integer({ description: 'Connections that began in the time asked for.' }),
  carried: Type.Integer({ description: 'Connections that were open already when it was first seen there.' }),
  failed: Type.Integer({ description: 'Attempts that failed.' }),
  bytesSent: Type.Integer({ description: 'Layer-4 payload from source to destination.' }),
  bytesReceived: Type.Integer({ description: 'Layer-4 payload from destination to source.' }),
})
export type FlowCounts = Static<typeof FlowCounts>

/** What was seen between two ends at one port over a time. */
export const FlowRecord = Type.Object({
  source: FlowEnd,
  destination: FlowEnd,
  protocol: Type.Integer({ minimum: 0, maximum: 255, description: "IANA's number: 6 is TCP, 17 UDP." }),
  port: Type.Integer({ minimum: 0, maximum: 65535, description: 'The responder port; 0 for a protocol without, or for all ports that were not named.' }),
  witness: Type.Enum([...WITNESSES], { description: 'Whose observer told it last.' }),
  firstMs: Type.Integer({ description: 'Start of the first minute, Unix time.' }),
  lastMs: Type.Integer({ description: 'End of the last minute, Unix time.' }),
  ...FlowCounts.properties,
})
export type FlowRecord = Static<typeof FlowRecord>

/** Length of a bucket of merged flows. */
export const BUCKET_MINUTES = 5

/** Connections that took part, whether they began in the time or before it. */
export const connectionsOf = ({ begun, carried }: Pick<FlowCounts, 'begun' | 'carried'>): number => begun + carried

const SCTP = 132

/** Null for what NetworkPolicies do not speak of. */
export function transportOf (protocol: number): Transport | null {
  switch (protocol) {
    case PROTOCOLS.tcp: return 'TCP'
    case PROTOCOLS.udp: return 'UDP'
    case SCTP: return 'SCTP'
    default: return null
  }
}

/** What every namespace carries (kubernetes.io/metadata.name, set by the API server). */
export const NAMESPACE_NAME = 'kubernetes.io/metadata.name'

/** `namespaceLabels`: null where nobody knows them. */
export const flowPodOf = ({ uid, namespace, name, labels, node, workload, hostNetwork, ports }: Pod, namespaceLabels: Labels | null): FlowPod => ({
  uid,
  namespace,
  name,
  labels: { ...labels },
  namespaceLabels: { ...namespaceLabels ?? { [NAMESPACE_NAME]: namespace } },
  node,
  workload: workload ?? null,
  hostNetwork: hostNetwork ?? false,
  ports: [...ports ?? []],
})
