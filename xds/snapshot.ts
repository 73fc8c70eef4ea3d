import { createHash } from 'node:crypto'
import { toBinary, toJson, type DescMessage, type JsonValue, type MessageShape } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import { ClusterSchema, type Cluster } from '../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { TypedExtensionConfigSchema, type TypedExtensionConfig } from '../src/wire/gen/xds/envoy/config/core/v3/extension_pb.js'
import { ClusterLoadAssignmentSchema, type ClusterLoadAssignment } from '../src/wire/gen/xds/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema, type Listener } from '../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema, type RouteConfiguration } from '../src/wire/gen/xds/envoy/config/route/v3/route_pb.js'
import { SecretSchema, type Secret } from '../src/wire/gen/xds/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { CLUSTER, ENDPOINT, EXTENSION, LISTENER, ROUTE, SECRET } from './resource-type.ts'
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
  readonly endpoints: readonly ClusterLoadAssignment[]
  readonly listeners: readonly Listener[]
  readonly routes: readonly RouteConfiguration[]
  readonly secrets: readonly Secret[]
  readonly extensions: readonly TypedExtensionConfig[]
}
export const NO_CONTENT: SnapshotContent = { clusters: [], endpoints: [], listeners: [], routes: [], secrets: [], extensions: [] }

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

function resourcesOf<Schema extends DescMessage> (schema: Schema, messages: readonly MessageShape<Schema>[], nameOf: (message: MessageShape<Schema>) => string): TypeResources {
  const resources = new Map(messages.map((message) => {
    const value = toBinary(schema, message)
    const body: Any = { $typeName: 'google.protobuf.Any', typeUrl: `type.googleapis.com/${schema.typeName}`, value }
    const name = nameOf(message)
    return [name, { name, version: hash([value]), body }]
  }))
  return { version: hash([...resources.values()].flatMap(({ name, version }) => [name, version])), resources }
}

const nameOf = ({ name }: { name: string }): string => name

/** What is not given is none. */
export function createSnapshot (given: Partial<SnapshotContent>, mitigations: readonly string[]): Snapshot {
  const content = { ...NO_CONTENT, ...given }
  const types = new Map([
    [CLUSTER, resourcesOf(ClusterSchema, content.clusters, nameOf)],
    [ENDPOINT, resourcesOf(ClusterLoadAssignmentSchema, content.endpoints, ({ clusterName }) => clusterName)],
    [LISTENER, resourcesOf(ListenerSchema, content.listeners, nameOf)],
    [ROUTE, resourcesOf(RouteConfigurationSchema, content.routes, nameOf)],
    [SECRET, resourcesOf(SecretSchema, content.secrets, nameOf)],
    [EXTENSION, resourcesOf(TypedExtensionConfigSchema, content.extensions, nameOf)],
  ])
  return { version: hash([...types].flatMap(([type, { version }]) => [type, version])), types, content, mitigations }
}

/** As Envoy's config dump writes them, without what a secret holds. */
export function snapshotToJson ({ content }: Snapshot): Readonly<Record<keyof SnapshotContent, JsonValue[]>> {
  const options = { registry: REGISTRY, useProtoFieldName: true }
  const json = <Schema extends DescMessage>(schema: Schema, messages: readonly MessageShape<Schema>[]): JsonValue[] => messages.map((message) => toJson(schema, message, options))
  return {
    clusters: json(ClusterSchema, content.clusters),
    endpoints: json(ClusterLoadAssignmentSchema, content.endpoints),
    listeners: json(ListenerSchema, content.listeners),
    routes: json(RouteConfigurationSchema, content.routes),
    secrets: content.secrets.map(({ name }) => ({ name })),
    extensions: json(TypedExtensionConfigSchema, content.extensions),
  }
}
