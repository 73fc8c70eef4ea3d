import { isIP } from 'node:net'
import { dirname, join } from 'node:path'
import { create, type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf'
import { BootstrapSchema } from '../src/wire/gen/xds/envoy/config/bootstrap/v3/bootstrap_pb.js'
import { Cluster_DiscoveryType as DiscoveryType, ClusterSchema, type Cluster } from '../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { ApiConfigSource_ApiType as ApiType, ApiVersion, type ConfigSource } from '../src/wire/gen/xds/envoy/config/core/v3/config_source_pb.js'
import { DownstreamConnectionsConfigSchema } from '../src/wire/gen/xds/envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections_pb.js'
import { FixedHeapConfigSchema } from '../src/wire/gen/xds/envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap_pb.js'
import { SubjectAltNameMatcher_SanType as SanType, TlsParameters_TlsProtocol as TlsProtocol } from '../src/wire/gen/xds/envoy/extensions/transport_sockets/tls/v3/common_pb.js'
import { SecretSchema } from '../src/wire/gen/xds/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { UpstreamTlsContextSchema } from '../src/wire/gen/xds/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import { HttpProtocolOptionsSchema } from '../src/wire/gen/xds/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'
import { DiscoveryResponseSchema } from '../src/wire/gen/xds/envoy/service/discovery/v3/discovery_pb.js'
import { toMetadata, type SaidClientAddress } from './client-address.ts'
import { REGISTRY } from './registry.ts'
import { oneEndpoint } from './resources/one-endpoint.ts'
import { duration, pack, socketAddress } from './resources/pack.ts'

export interface BootstrapOptions {
  readonly podUid: string
  readonly namespace: string
  /** Where our xDS server is, and the SPIFFE ID, DNS name or address that its certificate must carry: any pod has a certificate of the same CA. */
  readonly xds: { readonly host: string, readonly port: number, readonly name: string }
  /** Where the files of `bootstrapFiles` will lie. */
  readonly folder: string
  /** PEM files of one folder. Envoy reads them again whenever one is moved into it, and its streams live on. */
  readonly certificateFile: string
  readonly keyFile: string
  readonly authoritiesFile: string
  /** Unix socket that only Envoy's own group can open: whoever reaches the admin interface can change the proxy. */
  readonly adminSocket: string
  readonly protocol?: 'delta' | 'sotw'
  /** To be told to whoever asks about this proxy. */
  readonly clientAddress?: SaidClientAddress
  /** What one proxy may take; without a bound where nothing is said. */
  readonly bounds?: ProxyBounds
}

export interface ProxyBounds {
  /** Envoy gives memory back from 9/10 of it on, and lets new connections wait from 97/100 on. */
  readonly heapBytes: number
  /** Those that clients hold open; one more is closed at once. */
  readonly connections: number
}

/** A file to be written before Envoy starts. */
export interface ConfigurationFile {
  readonly path: string
  readonly text: string
}

const CLUSTER = 'autoshield-xds'

/** Left alone, Envoy waits up to 25 s before it asks a server that came back; so it takes 0.12 s as measured. */
const BACK_OFF = { baseInterval: duration(200), maxInterval: duration(1000) }

/** How long a listener or cluster is waited for at the start; without an answer Envoy goes on with none. */
const INITIAL_FETCH_MS = 15_000

const OVER_ADS = { configSourceSpecifier: { case: 'ads' as const, value: {} }, resourceApiVersion: ApiVersion.V3, initialFetchTimeout: duration(INITIAL_FETCH_MS) } satisfies Partial<Record<keyof ConfigSource, unknown>>

/** A thread that has not moved for so long is taken for dead: Envoy ends itself, and is started again. Less would end one that only waits for a processor. */
const STUCK_MS = 30_000

/** As an Envoy calls itself; what it calls itself decides nothing. */
export const nodeOf = ({ uid, namespace }: { readonly uid: string, readonly namespace: string }): { id: string, cluster: string } => ({ id: `pod/${uid}`, cluster: namespace })

/** Where the bootstrap lies in its folder. */
export const bootstrapFile = (folder: string): string => join(folder, 'envoy.json')

/** What an Envoy in a pod starts with, as JSON: nothing but how to reach us; all else comes over ADS. */
export function bootstrapFiles (options: BootstrapOptions): readonly ConfigurationFile[] {
  const { podUid, namespace, folder, adminSocket, protocol = 'delta', bounds, clientAddress } = options
  const watchdog = { killTimeout: duration(STUCK_MS) }
  const bootstrap = create(BootstrapSchema, {
    node: { ...nodeOf({ uid: podUid, namespace }), ...clientAddress === undefined ? {} : { metadata: toMetadata(clientAddress) } },
    admin: { address: { address: { case: 'pipe', value: { path: adminSocket, mode: 0o660 } } } },
    dynamicResources: {
      adsConfig: {
        apiType: protocol === 'delta' ? ApiType.DELTA_GRPC : ApiType.GRPC,
        transportApiVersion: ApiVersion.V3,
        setNodeOnFirstMessageOnly: true,
        grpcServices: [{ targetSpecifier: { case: 'envoyGrpc', value: { clusterName: CLUSTER, retryPolicy: { retryBackOff: BACK_OFF } } } }],
      },
      cdsConfig: OVER_ADS,
      ldsConfig: OVER_ADS,
    },
    staticResources: { clusters: [xdsCluster(options)] },
    watchdogs: { mainThreadWatchdog: watchdog, workerWatchdog: watchdog },
    ...bounds === undefined ? {} : { overloadManager: overloadManager(bounds) },
  })
  return [
    { path: bootstrapFile(folder), text: textOf(BootstrapSchema, bootstrap) },
    ...secrets(options).map((secret) => ({ path: secretFile(folder, secret.name), text: textOf(DiscoveryResponseSchema, create(DiscoveryResponseSchema, { resources: [pack(SecretSchema, secret)] })) })),
  ]
}

function textOf<Schema extends DescMessage> (schema: Schema, message: MessageShape<Schema>): string {
  return JSON.stringify(toJson(schema, message, { registry: REGISTRY, useProtoFieldName: true }), null, 2)
}

/** Names of Envoy's own resource monitors and overload actions (docs/root/configuration/operations/overload_manager). */
function overloadManager ({ heapBytes, connections }: ProxyBounds) {
  const heap = 'envoy.resource_monitors.fixed_heap'
  const monitor = (name: string, value: ReturnType<typeof pack>) => ({ name, configType: { case: 'typedConfig' as const, value } })
  const above = (action: string, value: number) => ({ name: `envoy.overload_actions.${action}`, triggers: [{ name: heap, triggerOneof: { case: 'threshold' as const, value: { value } } }] })
  return {
    refreshInterval: duration(250),
    resourceMonitors: [
      monitor(heap, pack(FixedHeapConfigSchema, { maxHeapSizeBytes: BigInt(heapBytes) })),
      monitor('envoy.resource_monitors.global_downstream_max_connections', pack(DownstreamConnectionsConfigSchema, { maxActiveDownstreamConnections: BigInt(connections) })),
    ],
    actions: [above('shrink_heap', 0.9), above('stop_accepting_connections', 0.97)],
  }
}

function xdsCluster (options: BootstrapOptions): Cluster {
  const { xds } = options
  return create(ClusterSchema, {
    name: CLUSTER,
    clusterDiscoveryType: { case: 'type', value: isIP(xds.host) === 0 ? DiscoveryType.STRICT_DNS : DiscoveryType.STATIC },
    connectTimeout: duration(1000),
    loadAssignment: oneEndpoint(CLUSTER, socketAddress({ address: xds.host, port: xds.port })),
    typedExtensionProtocolOptions: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': pack(HttpProtocolOptionsSchema, {
        upstreamProtocolOptions: {
          case: 'explicitHttpConfig',
          // A server that vanished without a word is noticed by the unanswered ping.
          value: { protocolConfig: { case: 'http2ProtocolOptions', value: { connectionKeepalive: { interval: duration(30_000), timeout: duration(5000) } } } },
        },
      }),
    },
    transportSocket: { name: 'envoy.transport_sockets.tls', configType: { case: 'typedConfig', value: tlsContext(options) } },
  })
}

const IDENTITY = 'identity'
const AUTHORITIES = 'authorities'
const secretFile = (folder: string, name: string): string => join(folder, `${name}-secret.json`)

function tlsContext ({ xds, folder }: BootstrapOptions) {
  const secret = (name: string) => ({ name, sdsConfig: { configSourceSpecifier: { case: 'pathConfigSource' as const, value: { path: secretFile(folder, name) } }, resourceApiVersion: ApiVersion.V3 } })
  const validationContextType = { case: 'validationContextSdsSecretConfig' as const, value: secret(AUTHORITIES) }
  return pack(UpstreamTlsContextSchema, {
    sni: isIP(xds.host) === 0 ? xds.host : '', // RFC 6066, section 3: no address in server_name
    commonTlsContext: {
      alpnProtocols: ['h2'],
      tlsParams: { tlsMinimumProtocolVersion: TlsProtocol.TLSv1_3, tlsMaximumProtocolVersion: TlsProtocol.TLSv1_3 },
      tlsCertificateSdsSecretConfigs: [secret(IDENTITY)],
      validationContextType,
    },
  })
}

/** Secrets that name files, for only secrets are read again: `watchedDirectory` is looked at for files that are moved into it. */
function secrets ({ xds, certificateFile, keyFile, authoritiesFile }: BootstrapOptions) {
  const file = (filename: string) => ({ specifier: { case: 'filename' as const, value: filename } })
  const watchedDirectory = { path: dirname(certificateFile) }
  const matcher = { sanType: sanTypeOf(xds.name), matcher: { matchPattern: { case: 'exact' as const, value: xds.name } } }
  return [
    { name: IDENTITY, type: { case: 'tlsCertificate' as const, value: { certificateChain: file(certificateFile), privateKey: file(keyFile), watchedDirectory } } },
    { name: AUTHORITIES, type: { case: 'validationContext' as const, value: { trustedCa: file(authoritiesFile), watchedDirectory, matchTypedSubjectAltNames: [matcher] } } },
  ]
}

function sanTypeOf (name: string): SanType {
  if (name.startsWith('spiffe://')) return SanType.URI
  return isIP(name) === 0 ? SanType.DNS : SanType.IP_ADDRESS
}

/**
 * How Envoy is started on a bootstrap file. `--drain-time-s 0`: a chain that changes cuts its own source's connections
 * within milliseconds; connections of other chains are not touched by that. A server that is away would be a warning at each of its
 * tries, several a second.
 */
export function envoyArguments (bootstrapFile: string, { concurrency = 1 }: { concurrency?: number } = {}): string[] {
  return ['--config-path', bootstrapFile, '--drain-time-s', '0', '--drain-strategy', 'immediate', '--concurrency', String(concurrency), '--disable-hot-restart', '--log-level', 'warning', '--component-log-level', 'config:error']
}
