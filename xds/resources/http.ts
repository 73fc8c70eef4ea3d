import type { MessageInitShape } from '@bufbuild/protobuf'
import { ApiVersion } from '../../src/wire/gen/xds/envoy/config/core/v3/config_source_pb.js'
import { LocalRateLimitSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.js'
import { RBACSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/http/rbac/v3/rbac_pb.js'
import { RouterSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/http/router/v3/router_pb.js'
import {
  HttpConnectionManager_ForwardClientCertDetails as ForwardClientCertDetails, HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  HttpConnectionManager_ServerHeaderTransformation as ServerHeader, HttpConnectionManagerSchema, type HttpFilterSchema,
} from '../../src/wire/gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { ConfigSchema as SetFilterStateSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.js'
import type { ChainMeasures } from '../chain-measures.ts'
import { AS_WRITTEN } from './header-case.ts'
import { duration, pack, type NetworkFilter } from './pack.ts'
import { allRoutes, LOCAL_RATE_LIMIT, RBAC, SOURCE } from './routes.ts'

const SOURCE_ADDRESS = { case: 'textFormatSource' as const, value: { specifier: { case: 'inlineString' as const, value: '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%' } } }
const OVER_ADS = { case: 'ads' as const, value: {} }

/** Remembers who opened the connection, which no header of a request can change, for the routes to go by. */
export function sourceMark (): NetworkFilter {
  return {
    name: 'envoy.filters.network.set_filter_state',
    config: pack(SetFilterStateSchema, {
      onNewConnection: [{
        key: { case: 'objectKey', value: SOURCE },
        factoryKey: 'envoy.string',
        value: { case: 'formatString', value: { format: SOURCE_ADDRESS } },
        readOnly: true,
      }],
    }),
  }
}

/** Passage for everybody, by the routes of this name. */
export function httpByRoutes (routes: string): NetworkFilter {
  return manager('default', {
    case: 'rds',
    value: { routeConfigName: routes, configSource: { configSourceSpecifier: OVER_ADS, resourceApiVersion: ApiVersion.V3 } },
  })
}

/** Passage for one peer. Its routes are its own, so no change of another's restriction fills its bucket anew. */
export function httpOfPeer (cluster: string, statPrefix: string, measures: Pick<ChainMeasures, 'requestsPerSecond' | 'shadowRequestsPerSecond'>): NetworkFilter {
  return manager(statPrefix, { case: 'routeConfig', value: allRoutes(statPrefix, cluster, statPrefix, measures) })
}

type Routes = NonNullable<MessageInitShape<typeof HttpConnectionManagerSchema>['routeSpecifier']>

/** The largest that Envoy takes, so that what the application takes passes. */
const MAX_HEADERS_KB = 8192

/** Passes requests as they are: it adds no header, changes no path and ends nothing by time. */
function manager (statPrefix: string, routeSpecifier: Routes): NetworkFilter {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    config: pack(HttpConnectionManagerSchema, {
      statPrefix,
      routeSpecifier,
      httpFilters: FILTERS,
      httpProtocolOptions: AS_WRITTEN,
      commonHttpProtocolOptions: { idleTimeout: duration(0) },
      streamIdleTimeout: duration(0),
      maxRequestHeadersKb: MAX_HEADERS_KB,
      useRemoteAddress: false,
      skipXffAppend: true,
      generateRequestId: false,
      preserveExternalRequestId: true,
      serverHeaderTransformation: ServerHeader.PASS_THROUGH,
      forwardClientCertDetails: ForwardClientCertDetails.ALWAYS_FORWARD_ONLY,
      pathWithEscapedSlashesAction: EscapedSlashes.KEEP_UNCHANGED,
      upgradeConfigs: [{ upgradeType: 'websocket' }],
    }),
  }
}

const filter = (name: string, value: ReturnType<typeof pack>): MessageInitShape<typeof HttpFilterSchema> => ({ name, configType: { case: 'typedConfig', value } })

/** The first two do nothing but where a route asks for it. */
const FILTERS = [
  filter(RBAC, pack(RBACSchema, {})),
  filter(LOCAL_RATE_LIMIT, pack(LocalRateLimitSchema, { statPrefix: 'http' })),
  filter('envoy.filters.http.router', pack(RouterSchema, { suppressEnvoyHeaders: true })),
]
