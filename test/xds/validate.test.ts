import { create, fromBinary, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf'
import t from 'tap'
import { ClusterSchema } from '../../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { RouteConfigurationSchema } from '../../src/wire/gen/xds/envoy/config/route/v3/route_pb.js'
import { BootstrapSchema } from '../../src/wire/gen/xds/envoy/config/bootstrap/v3/bootstrap_pb.js'
import { ListenerSchema } from '../../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { LocalRateLimitSchema as HttpLocalRateLimitSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.js'
import { TcpBandwidthLimitSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/network/tcp_bandwidth_limit/v3/tcp_bandwidth_limit_pb.js'
import { TcpProxySchema } from '../../src/wire/gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
import { REGISTRY } from '../../xds/registry.ts'
import { pack } from '../../xds/resources/pack.ts'
import { Validator } from '../../xds/validate.ts'

const validator = new Validator()
const check = <Schema extends DescMessage> (schema: Schema, init: MessageInitShape<Schema>) =>
  validator.inspect(schema, create(schema, init)).violations.map(({ path, rule }) => `${path} ${rule}`)

t.test('what breaks a rule of Envoy\'s .proto is named by path and rule', async (t) => {
  t.same(check(ClusterSchema, { name: '' }), ['name min_len: 1'])
  t.same(check(ClusterSchema, { name: 'c', connectTimeout: { seconds: 0n, nanos: 0 } }), ['connect_timeout gt: 0s'])
  t.same(check(ClusterSchema, { name: 'c', connectTimeout: { seconds: 0n, nanos: 1 } }), [])
  t.same(check(ClusterSchema, fromBinary(ClusterSchema, Uint8Array.from([0x0a, 1, 0x63, 0x30, 99]))), ['lb_policy defined_only: true'], 'name c, lb_policy 99')
  t.same(check(TcpBandwidthLimitSchema, { statPrefix: 'x', fillInterval: { nanos: 10_000_000 } }), ['fill_interval gte: 0.02s'])
  t.same(check(TcpProxySchema, { statPrefix: 'x' }), ['cluster_specifier required'])
  t.same(check(TcpProxySchema, { statPrefix: 'x', clusterSpecifier: { case: 'cluster', value: 'c' }, maxConnectAttempts: 0 }), ['max_connect_attempts gte: 1'])
})

t.test('lists, messages and everything inside an Any are followed', async (t) => {
  const chain = { filters: [{ name: '', configType: { case: 'typedConfig' as const, value: pack(TcpProxySchema, {}) } }] }
  t.same(check(ListenerSchema, { filterChains: [{}, chain] }), [
    'filter_chains[1].filters[0].name min_len: 1',
    'filter_chains[1].filters[0].typed_config.cluster_specifier required',
    'filter_chains[1].filters[0].typed_config.stat_prefix min_len: 1',
  ])
  const foreign = { $typeName: 'google.protobuf.Any' as const, typeUrl: 'type.googleapis.com/some.Thing', value: new Uint8Array() }
  t.match(check(ListenerSchema, { filterChains: [{ filters: [{ name: 'x', configType: { case: 'typedConfig', value: foreign } }] }] }), [/'type\.googleapis\.com\/some\.Thing' is in no registry/])
})

t.test('every rule on every message that we could send is of a kind that is known', async (t) => {
  const seen = new Set<DescMessage>()
  const visit = (desc: DescMessage): void => {
    if (seen.has(desc)) return
    seen.add(desc)
    validator.plan(desc)
    for (const field of desc.fields) if (field.message !== undefined) visit(field.message)
  }
  for (const desc of [...REGISTRY, ListenerSchema, RouteConfigurationSchema, BootstrapSchema]) if (desc.kind === 'message') visit(desc)
  t.ok(seen.size > 300, `${seen.size} messages`)
})

t.test('what Envoy 1.40 has and npm\'s protos lack is declared', async (t) => {
  t.equal(HttpLocalRateLimitSchema.field.maxDynamicDescriptors.number, 18)
  t.same(Object.values(TcpBandwidthLimitSchema.field).map(({ name, number }) => `${name} = ${number}`), ['stat_prefix = 1', 'read_limit_kbps = 2', 'write_limit_kbps = 3', 'fill_interval = 4'])
})
