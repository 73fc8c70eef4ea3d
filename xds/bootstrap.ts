import { isIP } from 'node:net'
import { create, toJson } from '@bufbuild/protobuf'
import { BootstrapSchema } from '../src/wire/gen/xds/envoy/config/bootstrap/v3/bootstrap_pb.js'
import { Cluster_DiscoveryType as DiscoveryType, ClusterSchema, type Cluster } from '../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { ApiConfigSource_ApiType as ApiType, ApiVersion, type ConfigSource } from '../src/wire/gen/xds/envoy/config/core/v3/config_source_pb.js'
import { SubjectAltNameMatcher_SanType as SanType, TlsParameters_TlsProtocol as TlsProtocol } from '../src/wire/gen/xds/envoy/extensions/transport_sockets/tls/v3/common_pb.js'
import { UpstreamTlsContextSchema } from '../src/wire/gen/xds/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import { HttpProtocolOptionsSchema } from '../src/wire/gen/xds/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'
import { REGISTRY } from './registry.ts'
import { duration, pack, socketAddress } from './resources/pack.ts'

export interface BootstrapOptions {
  readonly podUid: string
  readonly namespace: string
  /** Where our xDS server is, and the DNS name or address that its certificate must carry: any pod has a certificate of the same CA. */
  readonly xds: { readonly host: string, readonly port: number, readonly name: string }
  /** PEM files. Envoy reads them at its start. */
  readonly certificateFile: string
  readonly keyFile: string
  readonly authoritiesFile: string
  /** Unix socket that only Envoy's own user can open: whoever reaches the admin interface can change the proxy. */
  readonly adminSocket: string
  readonly protocol?: 'delta' | 'sotw'
}

const CLUSTER = 'autoshield-xds'

/** Left alone, Envoy waits up to 25 s before it asks a server that came back; so it takes 0.12 s as measured. */
const BACK_OFF = { baseInterval: duration(200), maxInterval: duration(1000) }

/** How long a listener or cluster is waited for at the start; without an answer Envoy goes on with none. */
const INITIAL_FETCH_MS = 15_000

const OVER_ADS = { configSourceSpecifier: { case: 'ads' as const, value: {} }, resourceApiVersion: ApiVersion.V3, initialFetchTimeout: duration(INITIAL_FETCH_MS) } satisfies Partial<Record<keyof ConfigSource, unknown>>

/** Envoy's bootstrap for the proxy of a pod, as JSON: nothing but how to reach us; all else comes over ADS. */
export function createBootstrap (options: BootstrapOptions): string {
  const { podUid, namespace, adminSocket, protocol = 'delta' } = options
  const bootstrap = create(BootstrapSchema, {
    node: { id: `pod/${podUid}`, cluster: namespace },
    admin: { address: { address: { case: 'pipe', value: { path: adminSocket, mode: 0o600 } } } },
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
  })
  return JSON.stringify(toJson(BootstrapSchema, bootstrap, { registry: REGISTRY, useProtoFieldName: true }), null, 2)
}

function xdsCluster (options: BootstrapOptions): Cluster {
  const { xds } = options
  return create(ClusterSchema, {
    name: CLUSTER,
    clusterDiscoveryType: { case: 'type', value: isIP(xds.host) === 0 ? DiscoveryType.STRICT_DNS : DiscoveryType.STATIC },
    connectTimeout: duration(1000),
    loadAssignment: {
      clusterName: CLUSTER,
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address: socketAddress({ address: xds.host, port: xds.port }) } } }] }],
    },
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

function tlsContext ({ xds, certificateFile, keyFile, authoritiesFile }: BootstrapOptions) {
  const file = (filename: string) => ({ specifier: { case: 'filename' as const, value: filename } })
  const isName = isIP(xds.name) === 0
  const validationContextType = {
    case: 'validationContext' as const,
    value: {
      trustedCa: file(authoritiesFile),
      matchTypedSubjectAltNames: [{ sanType: isName ? SanType.DNS : SanType.IP_ADDRESS, matcher: { matchPattern: { case: 'exact' as const, value: xds.name } } }],
    },
  }
  return pack(UpstreamTlsContextSchema, {
    sni: isName ? xds.name : '', // RFC 6066, section 3: no address in server_name
    commonTlsContext: {
      alpnProtocols: ['h2'],
      tlsParams: { tlsMinimumProtocolVersion: TlsProtocol.TLSv1_3, tlsMaximumProtocolVersion: TlsProtocol.TLSv1_3 },
      tlsCertificates: [{ certificateChain: file(certificateFile), privateKey: file(keyFile) }],
      validationContextType,
    },
  })
}

/**
 * How Envoy is started on a bootstrap file. `--drain-time-s 0`: a chain that changes cuts its own source's connections
 * within milliseconds; connections of other chains are not touched by that.
 */
export function envoyArguments (bootstrapFile: string, { concurrency = 1 }: { concurrency?: number } = {}): string[] {
  return ['--config-path', bootstrapFile, '--drain-time-s', '0', '--drain-strategy', 'immediate', '--concurrency', String(concurrency), '--disable-hot-restart', '--log-level', 'warning']
}
