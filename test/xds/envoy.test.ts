import t from 'tap'
import { skipWithout } from '../setup/tools.ts'
import { explicitProxy, freePort, greeter, stay, visit } from './laboratory.ts'
import { mitigationOf } from './mitigation-of.ts'
import { envoyTool, onLoopback, RealEnvoy, until } from './real-envoy.ts'
import { ATTACKER, becomes, CLIENT, stage } from './stage.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(120_000) // a busy machine starts Envoys slowly

for (const protocol of ['delta', 'sotw'] as const) {
  t.test(`${protocol}: a denied source is refused, others and their connections go on, and the undo lets it in again`, { skip }, async (t) => {
    await using scene = await stage(protocol)
    const { fleet, application, port, settled } = scene
    t.equal(await visit(ATTACKER, port), 'served', 'before')
    using friend = await stay(CLIENT, port)

    fleet.apply([mitigationOf('deny-66')])
    t.match(await settled('the denial'), { state: 'in-sync', connected: true, mitigations: ['deny-66'], message: '' })
    await becomes(ATTACKER, port, 'refused')
    const before = application.connections()
    t.equal(await visit(ATTACKER, port), 'refused')
    t.equal(application.connections(), before, 'nothing reached the application')
    t.equal(await visit(CLIENT, port), 'served')
    t.equal(await friend.echo('still here'), 'still here')

    fleet.apply([])
    t.match(await settled('the undo'), { state: 'in-sync', mitigations: [] })
    await becomes(ATTACKER, port, 'served')
    t.equal(await friend.echo('and still'), 'and still')
  })

  t.test(`${protocol}: a resource that Envoy refuses is told in its words, and its good siblings hold`, { skip }, async (t) => {
    await using scene = await stage(protocol)
    const { fleet, application, port, settled } = scene
    const upstream = { address: '127.0.0.1', port: application.port }
    const elsewhere = { address: '203.0.113.1', port: await freePort() } // no address of this machine: it cannot be listened on
    const good = { listen: { address: '127.0.0.1', port }, upstream }
    fleet.setProxies([explicitProxy('victim', [good, { listen: elsewhere, upstream }])])
    fleet.apply([mitigationOf('deny-66')])
    t.match(await settled('the bad listener'), { state: 'rejected', message: /203\.0\.113\.1.*annot/, mitigations: ['deny-66'] })
    await becomes(ATTACKER, port, 'refused')
    t.equal(await visit(CLIENT, port), 'served')

    fleet.apply([])
    await becomes(ATTACKER, port, 'served')
    t.match(await settled('a change of the good sibling'), { state: 'rejected' }, 'the bad one is not forgotten')

    fleet.setProxies([explicitProxy('victim', [good])])
    t.match(await settled('the bad one gone'), { state: 'in-sync', message: '' })
  })

  t.test(`${protocol}: after a restart of the server an unchanged proxy is in sync and was sent nothing`, { skip }, async (t) => {
    await using scene = await stage(protocol)
    const { laboratory, fleet, envoy, port, proxy, settled } = scene
    fleet.apply([mitigationOf('deny-66')])
    const version = (await settled('the denial')).version
    await becomes(ATTACKER, port, 'refused')
    using friend = await stay(CLIENT, port)
    const changes = () => Promise.all(['listener_manager.listener_modified', 'listener_manager.listener_in_place_updated', 'cluster_manager.cluster_modified'].map((name) => envoy.stat(name)))
    const before = await changes()

    await laboratory.stop()
    t.match(fleet.statuses(), [{ connected: false, state: 'in-sync', version }], 'it had taken this version when the stream ended')
    t.equal(await visit(CLIENT, port), 'served', 'without a server Envoy goes on')
    const reborn = laboratory.newFleet()
    reborn.setProxies([proxy])
    reborn.apply([mitigationOf('deny-66')])
    t.match(reborn.statuses(), [{ connected: false, state: 'pending', version, mitigations: ['deny-66'] }])
    await laboratory.serve(reborn)
    await until('Envoy comes back', () => reborn.statuses().find(({ connected, state }) => connected && state === 'in-sync'))
    t.equal(await friend.echo('all the while'), 'all the while')
    t.equal(await visit(ATTACKER, port), 'refused', 'all the while')
    t.same(await changes(), before, 'nothing was changed')
  })
}

t.test('the certificate decides whose resources a proxy gets, not the node that it claims to be', { skip }, async (t) => {
  await using scene = await stage()
  const { laboratory, application, fleet, proxy } = scene
  const port = await freePort()
  fleet.setProxies([proxy, explicitProxy('other', [{ listen: { address: '127.0.0.1', port }, upstream: { address: '127.0.0.1', port: application.port } }])])
  await using liar = await RealEnvoy.start({ podUid: 'victim', xds: onLoopback(laboratory.port), credentials: laboratory.credentials('other') })
  await until('it takes what is its own', () => fleet.statuses().find(({ podUid, state }) => podUid === 'other' && state === 'in-sync'))
  t.match(await liar.admin('/listeners'), `127.0.0.1:${port}`)
  t.equal((await liar.admin('/listeners')).trim().split('\n').length, 1)
})

t.test('a restriction in shadow, or on replayed evidence, is counted and refuses nobody', { skip }, async (t) => {
  await using scene = await stage()
  const { fleet, envoy, port, settled } = scene
  fleet.apply([
    mitigationOf('shadow', { mode: 'shadow' }),
    mitigationOf('replayed', { subject: { uid: 'b', addresses: ['127.0.0.67'] } }, { simulated: true }),
  ])
  t.match(await settled('the shadows'), { state: 'in-sync', mitigations: ['replayed', 'shadow'] })
  await until('the chains are in use', async () => {
    for (const from of [ATTACKER, '127.0.0.67', CLIENT]) if (await visit(from, port) !== 'served') throw new Error(`${from} was refused`)
    const counts = await Promise.all(['127_0_0_66', '127_0_0_67'].map((source) => envoy.stat(`source_${source}.rbac.shadow_denied`)))
    return counts.every((count) => count > 0) ? true : undefined
  })
})

t.test('a source that is watched can be cut on a connection that is open already, and nobody else is', { skip }, async (t) => {
  await using scene = await stage()
  const { fleet, port, settled } = scene
  fleet.apply([mitigationOf('watch', { action: 'watch' })])
  await settled('the watch')
  await until('the source is in its own chain', async () => {
    await visit(ATTACKER, port)
    return await scene.envoy.stat('tcp.source_127_0_0_66.downstream_cx_total') > 0 ? true : undefined
  })
  using suspect = await stay(ATTACKER, port)
  using friend = await stay(CLIENT, port)
  t.equal(await suspect.echo('unchanged'), 'unchanged')

  fleet.apply([mitigationOf('deny-66')])
  await suspect.closed
  t.equal(await friend.echo('not mine'), 'not mine')
})

t.test('a restriction ends at its expiry without the controller', { skip }, async (t) => {
  await using scene = await stage()
  const { fleet, port, settled } = scene
  fleet.apply([mitigationOf('brief', { expiresAt: new Date(Date.now() + 1500).toISOString() })])
  t.match(await settled('the denial'), { mitigations: ['brief'] })
  await becomes(ATTACKER, port, 'refused')
  await becomes(ATTACKER, port, 'served')
  t.match(await settled('the end'), { state: 'in-sync', mitigations: [] })
})

t.test('an application that starts later is reached through the proxy that was there first', { skip }, async (t) => {
  await using scene = await stage()
  const { fleet, settled } = scene
  const [port, upstream] = [await freePort(), await freePort()]
  fleet.setProxies([explicitProxy('victim', [{ listen: { address: '127.0.0.1', port }, upstream: { address: '127.0.0.1', port: upstream } }])])
  await settled('the new listener')
  await becomes(CLIENT, port, 'refused')
  await using application = await greeter(upstream)
  await becomes(CLIENT, port, 'served')
  t.ok(application.connections() > 0)
})
