import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import { RouteConfigurationSchema, type RouteConfiguration } from '../../src/wire/gen/xds/envoy/config/route/v3/route_pb.js'
import { RouteSchema } from '../../src/wire/gen/xds/envoy/config/route/v3/route_components_pb.js'
import { LocalRateLimitSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.js'
import { RBACPerRouteSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/http/rbac/v3/rbac_pb.js'
import { FilterStateInputSchema } from '../../src/wire/gen/xds/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb.js'
import { FractionalPercent_DenominatorType as Denominator } from '../../src/wire/gen/xds/envoy/type/v3/percent_pb.js'
import type { Matcher_OnMatchSchema as OnMatchSchema } from '../../src/wire/gen/xds/xds/type/matcher/v3/matcher_pb.js'
import { chainsForPort, statPrefixOf, type ChainMeasures } from '../chain-measures.ts'
import type { PeerRestrictions } from '../restriction.ts'
import { COUNT_ALL } from './count-all.ts'
import { duration, pack } from './pack.ts'
import { tokenBucket } from './token-bucket.ts'

/** Key of the connection's state that holds its source's address. */
export const SOURCE = 'autoshield.source'
export const RBAC = 'envoy.filters.http.rbac'
export const LOCAL_RATE_LIMIT = 'envoy.filters.http.local_ratelimit'

type Rates = Pick<ChainMeasures, 'requestsPerSecond' | 'shadowRequestsPerSecond'>
type Route = MessageInitShape<typeof RouteSchema>

/**
 * What becomes of requests on connections that were open before their source got a chain of its own: a denied one is
 * answered 403, a limited one 429 beyond its rate. A source is looked up by its address, so a request of anybody else costs
 * the same however many are restricted. Every change of this resource fills the buckets in it anew, by their burst.
 */
export function routesOf (name: string, cluster: string, restrictions: PeerRestrictions, port: number): RouteConfiguration {
  const chains = chainsForPort(restrictions, port, 'http')
  const everybody = passage(cluster)
  if (chains.length === 0) return configuration(name, { routes: [everybody] })
  const map = Object.fromEntries(chains.map((chain) => {
    const prefix = `open_${statPrefixOf(chain)}`
    return [chain.peer, toRoute(chain.measures.deny ? DENIED : { ...passage(cluster), typedPerFilterConfig: filtersOf(prefix, chain.measures) })]
  }))
  return configuration(name, {
    matcher: {
      matcherType: {
        case: 'matcherTree',
        value: { input: { name: SOURCE, typedConfig: pack(FilterStateInputSchema, { key: SOURCE }) }, treeType: { case: 'exactMatchMap', value: { map } } },
      },
      onNoMatch: toRoute(everybody),
    },
  })
}

/** One route for all that a peer asks, in the peer's own chain. */
export function allRoutes (name: string, cluster: string, statPrefix: string, rates: Rates): RouteConfiguration {
  return configuration(name, { routes: [{ ...passage(cluster), typedPerFilterConfig: filtersOf(statPrefix, { ...rates, shadow: false }) }] })
}

function configuration (name: string, choice: Pick<NonNullable<NonNullable<MessageInitShape<typeof RouteConfigurationSchema>['virtualHosts']>[number]>, 'routes' | 'matcher'>): RouteConfiguration {
  return create(RouteConfigurationSchema, { name, virtualHosts: [{ name: 'all', domains: ['*'], ...choice }] })
}

/** Any path, also `*` of OPTIONS. */
const ANY: Route = { match: { pathSpecifier: { case: 'prefix', value: '' } } }
const passage = (cluster: string): Route => ({ ...ANY, action: { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: cluster }, timeout: duration(0), idleTimeout: duration(0) } } })
const DENIED: Route = { ...ANY, action: { case: 'directResponse', value: { status: 403 } } }

const toRoute = (route: Route): MessageInitShape<typeof OnMatchSchema> => ({ onMatch: { case: 'action', value: { name: 'route', typedConfig: pack(RouteSchema, route) } } })

const ALWAYS = { defaultValue: { numerator: 100, denominator: Denominator.HUNDRED } }
const NEVER = { defaultValue: { numerator: 0, denominator: Denominator.HUNDRED } }

/** The lower rate is enforced, or only counted (`<statPrefix>.http_local_rate_limit.rate_limited`, `.enforced`). */
function filtersOf (statPrefix: string, { requestsPerSecond, shadowRequestsPerSecond, shadow }: Rates & Pick<ChainMeasures, 'shadow'>): Record<string, Any> {
  const rate = requestsPerSecond ?? shadowRequestsPerSecond
  return {
    ...(rate === null ? {} : { [LOCAL_RATE_LIMIT]: pack(LocalRateLimitSchema, { statPrefix, tokenBucket: tokenBucket(rate), filterEnabled: ALWAYS, filterEnforced: requestsPerSecond === null ? NEVER : ALWAYS }) }),
    ...(shadow ? { [RBAC]: pack(RBACPerRouteSchema, { rbac: { shadowRules: COUNT_ALL, shadowRulesStatPrefix: `${statPrefix}.` } }) } : {}),
  }
}
