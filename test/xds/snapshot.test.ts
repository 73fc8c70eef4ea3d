import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import t from 'tap'
import { ListenerSchema } from '../../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import { buildSnapshot } from '../../xds/build-snapshot.ts'
import { findProblems } from '../../xds/consistency.ts'
import type { ProxySpec } from '../../xds/proxy-spec.ts'
import { CLUSTER, LISTENER, RESOURCE_ORDER } from '../../xds/resource-type.ts'
import { tokenBucket } from '../../xds/resources/token-bucket.ts'
import { DutyIndex } from '../../xds/duty-index.ts'
import { createSnapshot, NO_CONTENT, snapshotToJson, type Snapshot } from '../../xds/snapshot.ts'
import { Validator } from '../../xds/validate.ts'
import { mitigationOf } from './mitigation-of.ts'

type Spec = Omit<ProxySpec, 'podUid'>
const REDIRECT: Spec = { inbound: { mode: 'redirect', port: 15_006 } }
const EXPLICIT: Spec = {
  inbound: {
    mode: 'explicit',
    ports: [
      { listen: { address: '10.0.0.1', port: 80 }, upstream: { address: '127.0.0.1', port: 8080 } },
      { listen: { address: '10.0.0.1', port: 22 }, upstream: { address: '127.0.0.1', port: 22 } },
    ],
  },
}
const TRANSPARENT: Spec = { inbound: { mode: 'redirect', port: 15_006, transparentPort: 15_007 } }
const HTTP_REDIRECT: Spec = { ...TRANSPARENT, outbound: { port: 15_001 }, httpPorts: [80, 8080] }
const HTTP_EXPLICIT: Spec = { ...EXPLICIT, httpPorts: [8080] }
const validator = new Validator()
function snapshotOf (spec: Spec, ...mitigations: readonly Mitigation[]): Snapshot {
  const index = new DutyIndex()
  index.set(mitigations, 0)
  const { content, mitigations: carried } = buildSnapshot(spec, index.of('victim'))
  return createSnapshot(content, carried)
}

const arbitraryMitigations = fc.array(fc.record({
  source: fc.constantFrom('10.0.0.7', '10.0.0.8', '2001:db8::7'),
  action: fc.constantFrom('deny' as const, 'watch' as const, 'limit' as const),
  unit: fc.constantFrom('connections/s' as const, 'connections' as const, 'bytes/s' as const, 'requests/s' as const),
  value: fc.double({ min: 0.001, max: 1e12, noNaN: true }),
  burst: fc.double({ min: 0.001, max: 1e12, noNaN: true }),
  mode: fc.constantFrom('enforce' as const, 'shadow' as const),
  ports: fc.oneof(fc.constant('any' as const), fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 3 })),
}), { maxLength: 8 }).map((list) => list.map(({ source, action, unit, value, burst, mode, ports }, index) =>
  mitigationOf(`m${index}`, { subject: { uid: source, addresses: [source] }, action, mode, ports, limit: { value, unit, burst } })))

for (const [name, inbound] of Object.entries({ REDIRECT, EXPLICIT, HTTP_REDIRECT, HTTP_EXPLICIT })) {
  t.test(`${name}: whatever the mitigations ask for, the snapshot holds to Envoy's rules and is consistent`, async (t) => {
    fc.assert(fc.property(arbitraryMitigations, (mitigations) => {
      t.strictSame(findProblems(snapshotOf(inbound, ...mitigations).content, validator), [])
    }))
  })

  t.test(`${name}: the version does not depend on the order of the mitigations, and changes with what they ask for`, async (t) => {
    fc.assert(fc.property(arbitraryMitigations, (mitigations) => {
      t.equal(snapshotOf(inbound, ...mitigations).version, snapshotOf(inbound, ...mitigations.toReversed()).version)
    }))
    const plain = snapshotOf(inbound)
    t.not(snapshotOf(inbound, mitigationOf('m')).version, plain.version)
    t.equal(snapshotOf(inbound, mitigationOf('m')).version, snapshotOf(inbound, mitigationOf('other name')).version)
  })

  t.test(`${name}: what concerns one source leaves the chains of all others, and the rest of the listener, as they were`, async (t) => {
    const chainsOf = (snapshot: Snapshot) => snapshot.content.listeners.map((listener) => {
      const { filterChains, ...rest } = listener
      return { rest, kept: filterChains.filter((chain) => !chain.name.startsWith('source/10.9.9.9')) }
    })
    const other = mitigationOf('other', { subject: { uid: 'o', addresses: ['10.9.9.9'] } })
    fc.assert(fc.property(arbitraryMitigations, (mitigations) => {
      t.strictSame(chainsOf(snapshotOf(inbound, ...mitigations, other)), chainsOf(snapshotOf(inbound, ...mitigations)))
    }))
    t.ok(chainsOf(snapshotOf(inbound)).every(({ kept }) => kept.length > 0), 'a listener without any chain in its list would drain everybody')
  })
}

t.test('only what changed has a new version', async (t) => {
  const [before, after] = [snapshotOf(EXPLICIT), snapshotOf(EXPLICIT, mitigationOf('m', { ports: [22] }))]
  t.equal(before.types.get(CLUSTER)?.version, after.types.get(CLUSTER)?.version)
  t.not(before.types.get(LISTENER)?.version, after.types.get(LISTENER)?.version)
  const versions = (snapshot: Snapshot) => [...snapshot.types.get(LISTENER)?.resources.values() ?? []].map(({ version }) => version)
  t.same(versions(before).map((version, index) => version === versions(after)[index]), [true, false])
  t.same([...after.types.keys()], RESOURCE_ORDER)
})

t.test('resources are readable as Envoy\'s own JSON', async (t) => {
  t.match(snapshotToJson(snapshotOf(REDIRECT, mitigationOf('m', { ports: [22] }))), {
    clusters: [{ name: 'original-destination', type: 'ORIGINAL_DST' }],
    listeners: [{
      name: 'inbound',
      address: { socket_address: { address: '::', port_value: 15_006, ipv4_compat: true } },
      filter_chains: [
        { name: 'loop-guard' },
        {
          name: 'source/127.0.0.66/port/22',
          filter_chain_match: { destination_port: 22, source_prefix_ranges: [{ address_prefix: '127.0.0.66', prefix_len: 32 }] },
          filters: [{ typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config' } }],
        },
      ],
    }],
  })
})

t.test('what comes by the transparent port, and nothing else, goes on from its client\'s address; neither port is passed on to itself', async (t) => {
  const filters = (spec: Spec) => (snapshotToJson(snapshotOf(spec, mitigationOf('m', { ports: [15_006, 15_007] }))) as { listeners: object[] }).listeners[0]
  t.match(filters(TRANSPARENT), {
    address: { socket_address: { port_value: 15_006 } },
    additional_addresses: [{ address: { socket_address: { address: '::', port_value: 15_007, ipv4_compat: true } } }],
    listener_filters: [
      { name: 'envoy.filters.listener.original_src', filter_disabled: { destination_port_range: { start: 15_006, end: 15_007 } } },
      { name: 'envoy.filters.listener.original_dst' },
    ],
    filter_chains: [{ filter_chain_match: { destination_port: 15_006 } }, { filter_chain_match: { destination_port: 15_007 } }],
  })
  t.match(filters(REDIRECT), { listener_filters: [{ name: 'envoy.filters.listener.original_dst' }] })
  t.notMatch(JSON.stringify(filters(REDIRECT)), 'original_src')
})

t.test('a broken snapshot is told apart, with the resource that breaks it', async (t) => {
  const { content } = snapshotOf(EXPLICIT)
  const [first] = content.listeners
  if (first === undefined) return t.fail('there is a listener')
  const doubled = create(ListenerSchema, { ...first, name: '', filterChains: [...first.filterChains, ...first.filterChains] })
  t.match(findProblems({ ...NO_CONTENT, listeners: [first, first] }, validator), [/two of listener 'inbound\/10\.0\.0\.1:80'/, /missing cluster 'upstream\/10\.0\.0\.1:80'/])
  t.match(findProblems({ ...content, listeners: [doubled] }, validator), [/two filter chains with one match/])
})

t.test('a bucket fills at its rate, at intervals that Envoy takes', async (t) => {
  fc.assert(fc.property(fc.double({ min: 1 / 86_400, max: 4e9, noNaN: true }), fc.double({ min: 0.1, max: 4e9, noNaN: true }), (rate, burst) => {
    const { maxTokens = 0, tokensPerFill = 0, fillInterval } = tokenBucket({ rate, burst })
    const seconds = Number(fillInterval?.seconds ?? 0) + (fillInterval?.nanos ?? 0) / 1e9
    t.ok(seconds >= 0.05 - 1e-9, `fills every ${seconds} s`)
    t.ok(Math.abs(tokensPerFill / seconds / rate - 1) < 1e-6, 'the rate')
    t.ok(maxTokens >= 1 && maxTokens <= Math.max(burst, tokensPerFill), 'the burst')
  }))
})
