import { create } from '@bufbuild/protobuf'
import t from 'tap'
import { FilterChainSchema, FilterSchema } from '../../src/wire/gen/xds/envoy/config/listener/v3/listener_components_pb.js'
import { LocalRateLimitSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb.js'
import { buildSnapshot } from '../../xds/build-snapshot.ts'
import { duration, pack } from '../../xds/resources/pack.ts'
import { skipWithout } from '../setup/tools.ts'
import { explicitProxy, freePort, greeter, Laboratory, stay, visit } from './laboratory.ts'
import { mitigationOf } from './mitigation-of.ts'
import { envoyTool, onLoopback, RealEnvoy, until } from './real-envoy.ts'
import { ATTACKER, becomes, CLIENT } from './stage.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(120_000)
const POISON = '127.0.0.99'

/** A bucket that is filled faster than Envoy takes, which no rule of its .proto files forbids. */
const tooFast = create(FilterSchema, {
  name: 'envoy.filters.network.local_ratelimit',
  configType: { case: 'typedConfig', value: pack(LocalRateLimitSchema, { statPrefix: 'poison', tokenBucket: { maxTokens: 1, tokensPerFill: 1, fillInterval: duration(1) } }) },
})

/** As always, but what concerns one source is poisoned. */
const poisoned: typeof buildSnapshot = (spec, duties) => {
  const built = buildSnapshot(spec, duties)
  const listeners = built.content.listeners?.map((listener) => ({
    ...listener,
    filterChains: listener.filterChains.map((chain) => chain.name !== `source/${POISON}` ? chain : create(FilterChainSchema, { ...chain, filters: [tooFast, ...chain.filters] })),
  }))
  return { ...built, content: { ...built.content, ...(listeners === undefined ? {} : { listeners }) } }
}

for (const protocol of ['delta', 'sotw'] as const) {
  t.test(`${protocol}: a restriction that Envoy refuses is taken out again, in its words, and the others hold`, { skip }, async (t) => {
    await using laboratory = await Laboratory.start()
    await laboratory.stop()
    const fleet = laboratory.newFleet({ configure: poisoned })
    await laboratory.serve(fleet)
    await using application = await greeter()
    const port = await freePort()
    fleet.setProxies([explicitProxy('victim', [{ listen: { address: '127.0.0.1', port }, upstream: { address: '127.0.0.1', port: application.port } }])])
    await using envoy = await RealEnvoy.start({ podUid: 'victim', xds: onLoopback(laboratory.port), credentials: laboratory.credentials('victim'), protocol })
    const status = (what: string, holds: (status: ReturnType<typeof fleet.statuses>[number]) => boolean) =>
      until(`${what}: ${JSON.stringify(fleet.statuses())}\n${envoy.stderr}`, () => fleet.statuses().find((each) => holds(each)))
    await status('Envoy takes its configuration', ({ state }) => state === 'in-sync')
    using friend = await stay(CLIENT, port)

    fleet.apply([mitigationOf('deny-66')])
    const good = await status('the denial', ({ state, mitigations }) => state === 'in-sync' && mitigations.length === 1)
    const poison = mitigationOf('poison', { subject: { uid: 'p', addresses: [POISON] }, action: 'watch' })
    fleet.apply([mitigationOf('deny-66'), poison])
    t.match(await status('the poison is out', ({ state, refused }) => state === 'in-sync' && refused.length > 0), {
      version: good.version, mitigations: ['deny-66'], refused: [{ mitigation: 'poison', message: /50ms/ }],
    })
    t.notMatch(await envoy.admin('/config_dump'), `source/${POISON}`, 'Envoy is back on the version before')
    t.equal(await visit(ATTACKER, port), 'refused')

    const late = mitigationOf('late', { subject: { uid: 'l', addresses: ['127.0.0.67'] } })
    const more = [mitigationOf('deny-66'), poison, late, mitigationOf('poison-too', { ...poison.spec })]
    fleet.apply(more)
    t.match(await status('one of two new ones is to blame', ({ state, refused }) => state === 'in-sync' && refused.length > 1), {
      mitigations: ['deny-66', 'late'], refused: [{ mitigation: 'poison' }, { mitigation: 'poison-too' }],
    })
    await becomes('127.0.0.67', port, 'refused')
    t.equal(await friend.echo('all the while'), 'all the while')

    fleet.apply([late])
    t.match(await status('the others gone', ({ state, mitigations }) => state === 'in-sync' && mitigations.length === 1), { mitigations: ['late'], refused: [] })
    await becomes(ATTACKER, port, 'served')
  })
}
