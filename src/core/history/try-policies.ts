import type { Transport } from '../kubernetes/transport.ts'
import type { Policy } from '../plan/reach/policy.ts'
import { Reach, type Cluster } from '../plan/reach/reach.ts'
import type { FlowVerdict } from '../plan/reach/verdict.ts'
import type { Pod } from '../pod.ts'
import { connectionsOf, transportOf, type FlowEnd, type FlowPod, type FlowRecord } from './flow-record.ts'
import { throughServices } from './through-services.ts'

export interface TriedFlow {
  readonly record: FlowRecord
  readonly protocol: Transport
  readonly before: FlowVerdict
  readonly after: FlowVerdict
}

/** What other policies would have made of flows that were recorded. */
export interface PolicyTrial {
  /** What passes before and not after, and the other way round; most connections first. */
  readonly cut: readonly TriedFlow[]
  readonly opened: readonly TriedFlow[]
  /** Flows and connections that were judged. */
  readonly flows: number
  readonly connections: number
  /** Connections that no policy speaks of, or whose port was not named. */
  readonly unjudged: number
}

/** As `Cluster` has them. */
export type Ground = Pick<Cluster, 'nodes' | 'plugin'>

/** Judges each flow by two sets of policies, on pods with the labels and addresses that they had when it was recorded. */
export function tryPolicies (records: readonly FlowRecord[], before: readonly Policy[], after: readonly Policy[], ground: Ground): PolicyTrial {
  const judged = throughServices(records).flatMap((record) => {
    const protocol = transportOf(record.protocol)
    return protocol === null || record.port === 0 ? [] : [{ record, protocol }]
  })
  const tried: TriedFlow[] = []
  for (const layer of layersOf(judged.map(({ record }) => record))) {
    const world = { pods: [...layer.pods.values()], namespaces: [...layer.namespaces].map(([name, labels]) => ({ name, labels })), ...ground }
    const [was, is] = [new Reach({ ...world, policies: before }), new Reach({ ...world, policies: after })]
    for (const record of layer.records) {
      const protocol = transportOf(record.protocol)
      if (protocol === null) continue
      const flow = { source: record.source.address, destination: record.destination.address, protocol, port: record.port }
      tried.push({ record, protocol, before: was.verdict(flow), after: is.verdict(flow) })
    }
  }
  const connections = (flows: readonly { readonly record: FlowRecord }[]): number => flows.reduce((sum, { record }) => sum + connectionsOf(record), 0)
  const mostFirst = (some: readonly TriedFlow[]): TriedFlow[] => some.toSorted((one, other) => connectionsOf(other.record) - connectionsOf(one.record))
  return {
    cut: mostFirst(tried.filter(({ before: was, after: is }) => was.allowed && !is.allowed)),
    opened: mostFirst(tried.filter(({ before: was, after: is }) => !was.allowed && is.allowed)),
    flows: tried.length,
    connections: connections(tried),
    unjudged: connections(records.map((record) => ({ record }))) - connections(judged),
  }
}

interface Layer {
  readonly records: FlowRecord[]
  readonly pods: Map<string, Pod>
  readonly namespaces: Map<string, Readonly<Record<string, string>>>
  /** What each address and each namespace is here. */
  readonly bound: Map<string, string>
}

/**
 * An address may have been of several pods in a day, and a pod may have had several labels. A verdict needs only its two ends, so
 * flows are laid in layers, in each of which an address is of one pod as it was at one time.
 */
function layersOf (records: readonly FlowRecord[]): Layer[] {
  const layers: Layer[] = []
  for (const record of records) {
    const bindings = [...bindingsOf(record.source), ...bindingsOf(record.destination)]
    let layer = layers.find(({ bound }) => bindings.every(([key, value]) => (bound.get(key) ?? value) === value))
    if (layer === undefined) layers.push(layer = { records: [], pods: new Map(), namespaces: new Map(), bound: new Map() })
    layer.records.push(record)
    for (const [key, value] of bindings) layer.bound.set(key, value)
    for (const { address, pod } of [record.source, record.destination]) {
      if (pod === null) continue
      layer.namespaces.set(pod.namespace, pod.namespaceLabels)
      if (!layer.pods.has(address)) layer.pods.set(address, podAt(address, pod))
    }
  }
  return layers
}

function bindingsOf ({ address, pod }: FlowEnd): [string, string][] {
  return pod === null ? [[`address ${address}`, '']] : [[`address ${address}`, JSON.stringify([pod.uid, pod.labels, pod.ports])], [`namespace ${pod.namespace}`, JSON.stringify(pod.namespaceLabels)]]
}

const podAt = (address: string, { uid, namespace, name, labels, node, hostNetwork, ports }: FlowPod): Pod => ({
  uid, namespace, name, addresses: [address], labels, node: node === '' ? `of ${uid}` : node, hostNetwork, ports,
})
