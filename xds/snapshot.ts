import { createHash } from 'node:crypto'
import { toBinary, toJson, type DescMessage, type JsonValue, type MessageShape } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import { ClusterSchema, type Cluster } from '../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { ListenerSchema, type Listener } from '../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { CLUSTER, LISTENER, RESOURCE_ORDER } from './resource-type.ts'
import { REGISTRY } from './registry.ts'

/** One named resource, ready to be sent. */
export interface Resource {
  readonly name: string
  /** Hash of its content. */
  readonly version: string
  readonly body: Any
}

/** All resources of one type. */
export interface TypeResources {
  readonly version: string
  readonly resources: ReadonlyMap<string, Resource>
}

/** What a snapshot is made from. */
export interface SnapshotContent {
  readonly clusters: readonly Cluster[]
  readonly listeners: readonly Listener[]
}

/**
 * The complete resources of one proxy. Immutable. Two snapshots with one version have the same content: the version is a
 * hash of the content alone, so every replica gives a proxy the same one.
 */
export interface Snapshot {
  readonly version: string
  readonly types: ReadonlyMap<string, TypeResources>
  readonly content: SnapshotContent
  /** Names of the mitigations that it carries, sorted. */
  readonly mitigations: readonly string[]
}

/** 64 bits of SHA-256 in hex: the content comes from us, so nobody looks for collisions. */
const hash = (parts: Iterable<string | Uint8Array>): string => {
  const sha = createHash('sha256')
  for (const part of parts) sha.update(part).update('\0')
  return sha.digest('hex').slice(0, 16)
}

function resourcesOf<Schema extends DescMessage> (schema: Schema, messages: readonly (MessageShape<Schema> & { name: string })[]): TypeResources {
  const resources = new Map(messages.map((message) => {
    const value = toBinary(schema, message)
    const body: Any = { $typeName: 'google.protobuf.Any', typeUrl: `type.googleapis.com/${schema.typeName}`, value }
    return [message.name, { name: message.name, version: hash([value]), body }]
  }))
  return { version: hash([...resources.values()].flatMap(({ name, version }) => [name, version])), resources }
}

const NOTHING: TypeResources = { version: hash([]), resources: new Map() }

export function createSnapshot (content: SnapshotContent, mitigations: readonly string[]): Snapshot {
  const served = new Map([[CLUSTER, resourcesOf(ClusterSchema, content.clusters)], [LISTENER, resourcesOf(ListenerSchema, content.listeners)]])
  const types = new Map(RESOURCE_ORDER.map((type) => [type, served.get(type) ?? NOTHING]))
  return { version: hash([...types].flatMap(([type, { version }]) => [type, version])), types, content, mitigations }
}

/** As Envoy's config dump writes them. */
export function snapshotToJson ({ content }: Snapshot): { clusters: JsonValue[], listeners: JsonValue[] } {
  const options = { registry: REGISTRY, useProtoFieldName: true }
  return {
    clusters: content.clusters.map((cluster) => toJson(ClusterSchema, cluster, options)),
    listeners: content.listeners.map((listener) => toJson(ListenerSchema, listener, options)),
  }
}
