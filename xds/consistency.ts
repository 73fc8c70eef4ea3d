import { toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf'
import { ClusterSchema } from '../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { TypedExtensionConfigSchema } from '../src/wire/gen/xds/envoy/config/core/v3/extension_pb.js'
import { ClusterLoadAssignmentSchema } from '../src/wire/gen/xds/envoy/config/endpoint/v3/endpoint_pb.js'
import { FilterChainMatchSchema, type FilterChain } from '../src/wire/gen/xds/envoy/config/listener/v3/listener_components_pb.js'
import { ListenerSchema, type Listener } from '../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema } from '../src/wire/gen/xds/envoy/config/route/v3/route_pb.js'
import { SecretSchema } from '../src/wire/gen/xds/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { CLUSTER, ENDPOINT, EXTENSION, LISTENER, ROUTE, SECRET, TYPE_WORD } from './resource-type.ts'
import type { SnapshotContent } from './snapshot.ts'
import type { Validator } from './validate.ts'

/** A resource with what it needs and what is wrong with it alone. */
interface Inspected {
  readonly type: string
  readonly name: string
  readonly broken: readonly string[]
  readonly needs: readonly { readonly type: string, readonly name: string }[]
}

const titleOf = ({ type, name }: { type: string, name: string }): string => `${TYPE_WORD[type] ?? type} '${name}'`

/** What a proxy would refuse, or would take and break on; empty where nothing is wrong. Each in a sentence that names the resource. */
export function findProblems (content: SnapshotContent, validator: Validator): string[] {
  const inspect = <Schema extends DescMessage>(type: string, schema: Schema, messages: readonly MessageShape<Schema>[], nameOf: (message: MessageShape<Schema>) => string): Inspected[] =>
    messages.map((message) => {
      const { violations, references } = validator.inspect(schema, message)
      return { type, name: nameOf(message), broken: violations.map(({ path, rule }) => `${path} breaks ${rule}`), needs: references }
    })
  const nameOf = ({ name }: { name: string }): string => name
  const all = [
    ...inspect(CLUSTER, ClusterSchema, content.clusters, nameOf),
    ...inspect(ENDPOINT, ClusterLoadAssignmentSchema, content.endpoints, ({ clusterName }) => clusterName),
    ...inspect(LISTENER, ListenerSchema, content.listeners, nameOf),
    ...inspect(ROUTE, RouteConfigurationSchema, content.routes, nameOf),
    ...inspect(SECRET, SecretSchema, content.secrets, nameOf),
    ...inspect(EXTENSION, TypedExtensionConfigSchema, content.extensions, nameOf),
  ]
  const there = new Set(all.map(titleOf))
  return [
    ...repeated(all.map(titleOf)).map((title) => `there are two of ${title}`),
    ...all.flatMap((resource) => resource.broken.map((words) => `${titleOf(resource)}: ${words}`)),
    ...all.flatMap((resource) => [...new Set(resource.needs.map(titleOf))].filter((title) => !there.has(title)).map((title) => `${titleOf(resource)} names the missing ${title}`)),
    ...content.listeners.flatMap(doubleMatches),
  ]
}

function doubleMatches ({ name, filterChains }: Listener): string[] {
  return repeated(filterChains.map(matchKey)).map(() => `listener '${name}' has two filter chains with one match`)
}

const matchKey = ({ filterChainMatch }: FilterChain): string =>
  filterChainMatch === undefined ? '' : Buffer.from(toBinary(FilterChainMatchSchema, filterChainMatch)).toString('hex')

function repeated (names: readonly string[]): string[] {
  const seen = new Set<string>()
  return [...new Set(names.filter((name) => seen.size === seen.add(name).size))]
}
