import { create, fromBinary } from '@bufbuild/protobuf'
import t from 'tap'
import { ListenerSchema } from '../../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { DeltaDiscoveryResponseSchema, DiscoveryResponseSchema } from '../../src/wire/gen/xds/envoy/service/discovery/v3/discovery_pb.js'
import { DELTA, SOTW } from '../../xds/protocol.ts'
import { LISTENER } from '../../xds/resource-type.ts'
import { createSnapshot, type Resource } from '../../xds/snapshot.ts'

const listeners = (...names: string[]): Resource[] => [...createSnapshot({ listeners: names.map((name) => create(ListenerSchema, { name })) }, []).types.get(LISTENER)?.resources.values() ?? []]
const delta = (resources: readonly Resource[], nonce: string, { version = 'v', removed = [] }: { version?: string, removed?: readonly string[] } = {}) => {
  const { resources: sent, nonce: itsNonce, systemVersionInfo, removedResources } = fromBinary(DeltaDiscoveryResponseSchema, DELTA.respond({ type: LISTENER, nonce, version, offer: { resources, removed } }))
  return [sent.map(({ name }) => name).join(), itsNonce, systemVersionInfo, removedResources.join()]
}

t.test('what was encoded for one stream serves others whose response differs in the nonce alone', async (t) => {
  const [one, two] = listeners('one', 'two')
  if (one === undefined || two === undefined) return t.fail('no listeners')
  t.same(delta([one, two], '1'), ['one,two', '1', 'v', ''])
  t.same(delta([one, two], '4294967296'), ['one,two', '4294967296', 'v', ''])
  t.same(delta([one], '3'), ['one', '3', 'v', ''], 'fewer resources that begin with the same')
  t.same(delta([one, two], '4', { version: 'w' }), ['one,two', '4', 'w', ''], 'another version')
  t.same(delta([one, two], '5', { version: 'w', removed: ['old'] }), ['one,two', '5', 'w', 'old'], 'something removed')
  t.same(delta([], '6', { removed: ['old'] }), ['', '6', 'v', 'old'], 'nothing but something removed')
})

t.test('state of the world likewise', async (t) => {
  const resources = listeners('one', 'two')
  for (const nonce of ['1', '22']) {
    const response = fromBinary(DiscoveryResponseSchema, SOTW.respond({ type: LISTENER, nonce, version: 'v', offer: { resources, removed: [] } }))
    t.same([response.nonce, response.versionInfo, response.typeUrl, response.resources.map(({ value }) => value)], [nonce, 'v', LISTENER, resources.map(({ body }) => body.value)])
  }
})
