import { create, fromBinary, toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf'
import { anyUnpack, type Any } from '@bufbuild/protobuf/wkt'
import { Cluster_DiscoveryType as DiscoveryType, ClusterSchema, type Cluster } from '../../../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { TypedExtensionConfigSchema, type TypedExtensionConfig } from '../../../src/wire/gen/xds/envoy/config/core/v3/extension_pb.js'
import { ClusterLoadAssignmentSchema, type ClusterLoadAssignment } from '../../../src/wire/gen/xds/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema, type Listener } from '../../../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema, type RouteConfiguration } from '../../../src/wire/gen/xds/envoy/config/route/v3/route_pb.js'
import { LocalRateLimitSchema } from '../../../src/wire/gen/xds/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.js'
import { RouterSchema } from '../../../src/wire/gen/xds/envoy/extensions/filters/http/router/v3/router_pb.js'
import { HttpConnectionManagerSchema } from '../../../src/wire/gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { TcpProxySchema } from '../../../src/wire/gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
import { SecretSchema, type Secret } from '../../../src/wire/gen/xds/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { UpstreamTlsContextSchema } from '../../../src/wire/gen/xds/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import { duration, pack, socketAddress } from '../../../xds/resources/pack.ts'

/** A resource as a case writes it: `a1`, or `a1>x` where it names another. */
export interface Word {
  readonly name: string
  /** What it holds: a digit that is written into one of its fields. */
  readonly content: number
  readonly names: string | null
}

/** `a1 b2>x`: see `Word`. */
export function wordsOf (text: string): Word[] {
  return text.split(' ').filter((word) => word !== '').map((word) => {
    const parts = /^(?<name>[a-z-]+)(?<content>\d)(?:>(?<names>.+))?$/.exec(word)?.groups
    if (parts === undefined) throw new TypeError(`'${word}' is no resource`)
    return { name: parts['name'] ?? '', content: Number(parts['content']), names: parts['names'] ?? null }
  })
}

const ADS = { configSourceSpecifier: { case: 'ads', value: {} }, resourceApiVersion: 2 } as const // 2: ApiVersion.V3

/** One type as cases use it: how a word becomes a resource, and what a resource says of itself. */
interface Kind<Schema extends DescMessage> {
  readonly schema: Schema
  readonly make: (word: Word) => MessageShape<Schema>
  readonly read: (message: MessageShape<Schema>) => { readonly name: string, readonly content: number }
}

function tlsWith (secret: string) {
  const validationContextType = { case: 'validationContextSdsSecretConfig' as const, value: { name: secret, sdsConfig: ADS } }
  return { name: 'tls', configType: { case: 'typedConfig' as const, value: pack(UpstreamTlsContextSchema, { commonTlsContext: { validationContextType } }) } }
}

/** `>eds`: its endpoints come by EDS. `>sds:NAME`: the validation of its TLS comes by SDS. `>poison`: what Envoy refuses. */
const cluster: Kind<typeof ClusterSchema> = {
  schema: ClusterSchema,
  make: ({ name, content, names }): Cluster => create(ClusterSchema, {
    name,
    connectTimeout: duration(names === 'poison' ? -1000 * content : 1000 * content),
    clusterDiscoveryType: { case: 'type', value: names === 'eds' ? DiscoveryType.EDS : DiscoveryType.STATIC },
    ...names === 'eds' ? { edsClusterConfig: { edsConfig: ADS } } : {},
    ...names?.startsWith('sds:') === true ? { transportSocket: tlsWith(names.slice(4)) } : {},
  }),
  read: ({ name, connectTimeout }) => ({ name, content: Math.abs(Number(connectTimeout?.seconds)) }),
}

const endpoints: Kind<typeof ClusterLoadAssignmentSchema> = {
  schema: ClusterLoadAssignmentSchema,
  make: ({ name, content }): ClusterLoadAssignment => create(ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address: socketAddress({ address: '127.0.0.1', port: content }) } } }] }],
  }),
  read: ({ clusterName, endpoints }) => {
    const endpoint = endpoints[0]?.lbEndpoints[0]?.hostIdentifier
    const address = endpoint?.case === 'endpoint' ? endpoint.value.address?.address : undefined
    return { name: clusterName, content: address?.case === 'socketAddress' && address.value.portSpecifier.case === 'portValue' ? address.value.portSpecifier.value : NaN }
  },
}

/** Nobody connects to it (`bind_to_port`), but no two may have one address. */
const portOf = (name: string): number => 20_000 + Buffer.from(name).reduce((sum, byte) => (sum * 31 + byte) % 10_000, 0)

/** `>rds:NAME`: its routes come by RDS. `>ecds:NAME`: a filter of its HTTP comes by ECDS. Any other: the cluster that it sends to. */
function filterOf (names: string | null) {
  if (names?.startsWith('rds:') !== true && names?.startsWith('ecds:') !== true) {
    return { name: 'tcp', configType: { case: 'typedConfig' as const, value: pack(TcpProxySchema, { statPrefix: 'tcp', clusterSpecifier: { case: 'cluster', value: names ?? 'nowhere' } }) } }
  }
  const [how, name] = [names.slice(0, names.indexOf(':')), names.slice(names.indexOf(':') + 1)]
  const router = { name: 'router', configType: { case: 'typedConfig' as const, value: pack(RouterSchema, {}) } }
  const discovered = { name, configType: { case: 'configDiscovery' as const, value: { configSource: ADS, typeUrls: [`type.googleapis.com/${LocalRateLimitSchema.typeName}`] } } }
  const manager = pack(HttpConnectionManagerSchema, {
    statPrefix: 'http',
    routeSpecifier: how === 'rds' ? { case: 'rds', value: { routeConfigName: name, configSource: ADS } } : { case: 'routeConfig', value: { name: 'none' } },
    httpFilters: how === 'rds' ? [router] : [discovered, router],
  })
  return { name: 'http', configType: { case: 'typedConfig' as const, value: manager } }
}

const POISON = { name: 'poison', configType: { case: 'typedConfig' as const, value: { $typeName: 'google.protobuf.Any' as const, typeUrl: 'type.googleapis.com/not.a.Filter', value: new Uint8Array() } } }

const listener: Kind<typeof ListenerSchema> = {
  schema: ListenerSchema,
  make: ({ name, content, names }): Listener => create(ListenerSchema, {
    name,
    address: socketAddress({ address: '127.0.0.1', port: portOf(name) }),
    bindToPort: false,
    perConnectionBufferLimitBytes: content * 1024,
    filterChains: [{ filters: [names === 'poison' ? POISON : filterOf(names)] }],
  }),
  read: ({ name, perConnectionBufferLimitBytes }) => ({ name, content: (perConnectionBufferLimitBytes ?? NaN) / 1024 }),
}

const route: Kind<typeof RouteConfigurationSchema> = {
  schema: RouteConfigurationSchema,
  make: ({ name, content, names }): RouteConfiguration => create(RouteConfigurationSchema, {
    name,
    virtualHosts: [{
      name: String(content),
      domains: ['*'],
      routes: [{
        match: { pathSpecifier: { case: 'prefix', value: '/' } },
        action: names === null ? { case: 'directResponse', value: { status: 200 } } : { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: names } } },
      }],
    }],
  }),
  read: ({ name, virtualHosts }) => ({ name, content: Number(virtualHosts[0]?.name) }),
}

/** What a peer's certificate must be: a hash that is the content over and over. */
const secret: Kind<typeof SecretSchema> = {
  schema: SecretSchema,
  make: ({ name, content }): Secret => create(SecretSchema, { name, type: { case: 'validationContext', value: { verifyCertificateHash: [String(content).repeat(64)] } } }),
  read: ({ name, type }) => ({ name, content: type.case === 'validationContext' ? Number(type.value.verifyCertificateHash[0]?.[0]) : NaN }),
}

const extension: Kind<typeof TypedExtensionConfigSchema> = {
  schema: TypedExtensionConfigSchema,
  make: ({ name, content }): TypedExtensionConfig => create(TypedExtensionConfigSchema, { name, typedConfig: pack(LocalRateLimitSchema, { statPrefix: String(content) }) }),
  read: ({ name, typedConfig }) => ({ name, content: Number(typedConfig === undefined ? NaN : anyUnpack(typedConfig, LocalRateLimitSchema)?.statPrefix) }),
}

const KINDS = { cluster, endpoints, listener, route, secret, extension }
export type TypeWord = keyof typeof KINDS
export const TYPE_WORDS = Object.keys(KINDS) as readonly TypeWord[]

/** The type URL, which requests and responses carry. */
export const urlOf = (type: TypeWord): string => `type.googleapis.com/${KINDS[type].schema.typeName}`

/** The word of a type URL; null for a type that no case uses. */
export const typeOf = (url: string): TypeWord | null => TYPE_WORDS.find((type) => urlOf(type) === url) ?? null

/** The types of which a sotw response holds all (xDS protocol, "Grouping Resources into Responses"). */
export const isWhole = (type: TypeWord): boolean => type === 'cluster' || type === 'listener'

export function resourceOf (type: TypeWord, word: Word): Any {
  const encode = <Schema extends DescMessage>({ schema, make }: Kind<Schema>): Uint8Array => toBinary(schema, make(word))
  return { $typeName: 'google.protobuf.Any', typeUrl: urlOf(type), value: dispatch(type, encode) }
}

/** What a resource that came is in a case's words: `a1`. */
export function readResource (type: TypeWord, { typeUrl, value }: Any): { name: string, text: string } {
  const decode = <Schema extends DescMessage>({ schema, read }: Kind<Schema>) => read(fromBinary(schema, value))
  if (typeUrl !== urlOf(type)) return { name: '?', text: `a ${typeUrl}` }
  const { name, content } = dispatch(type, decode)
  return { name, text: `${name}${content}` }
}

function dispatch<Result> (type: TypeWord, use: <Schema extends DescMessage>(kind: Kind<Schema>) => Result): Result {
  switch (type) {
    case 'cluster': return use(cluster)
    case 'endpoints': return use(endpoints)
    case 'listener': return use(listener)
    case 'route': return use(route)
    case 'secret': return use(secret)
    case 'extension': return use(extension)
  }
}
