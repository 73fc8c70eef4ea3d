import t from 'tap'
import type { OpenConnections } from '../../src/core/mitigation/open-connections.ts'
import { skipWithout } from '../setup/tools.ts'
import { httpClient, httpStage, teller } from './http-stage.ts'
import { stay } from './laboratory.ts'
import { bornAt, mitigationOf, secondOf2026 } from './mitigation-of.ts'
import { envoyTool, until } from './real-envoy.ts'
import { ATTACKER, becomes, CLIENT, stage } from './stage.ts'

// `sockets` is shown where its keeper is: test/sidecar/proxy/socket-cutter.test.ts.

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(120_000)

const watch = bornAt(1, mitigationOf('watch', { action: 'watch' }))
const slow = { action: 'limit', limit: { value: 1, unit: 'connections/s', burst: 1 } } as const

for (const [what, restriction, of] of [['a denial', mitigationOf('m'), 'refused'], ['a limit', mitigationOf('m', slow), 'refused']] as const) {
  t.test(`chain: ${what} ends what a source opened since it was watched, and what it had open before goes on`, { skip }, async (t) => {
    await using scene = await stage()
    const { fleet, envoy, port, settled } = scene
    using before = await stay(ATTACKER, port)
    using friend = await stay(CLIENT, port)
    fleet.apply([watch])
    await settled('the watch')
    await until('the source comes by its own chain', async () => {
      const attempt = await stay(ATTACKER, port)
      attempt[Symbol.dispose]()
      return await envoy.stat('tcp.source_127_0_0_66.downstream_cx_total') > 0 ? true : undefined
    })
    using since = await stay(ATTACKER, port)
    fleet.apply([watch, bornAt(9, restriction)])
    const { openConnections } = await settled('the restriction')
    t.strictSame(openConnections, { m: [{ means: 'chain', since: secondOf2026(1) }] } satisfies Record<string, OpenConnections[]>)
    await since.closed
    t.equal(await before.echo('before'), 'before')
    t.equal(await friend.echo('friend'), 'friend')
    await becomes(ATTACKER, port, of)
  })
}

t.test('none: what a source that was never watched had open goes on until it ends, denied or limited', { skip }, async (t) => {
  await using scene = await stage()
  const { fleet, port, settled } = scene
  using taker = await stay(ATTACKER, port)
  for (const restriction of [mitigationOf('m', slow), mitigationOf('m')]) {
    fleet.apply([restriction])
    const { openConnections } = await settled('the restriction')
    t.strictSame(openConnections, { m: [{ means: 'none' }] })
    await becomes(ATTACKER, port, 'refused')
    t.equal(await taker.echo('still here'), 'still here')
  }
})

t.test('route: a source that was never watched is answered by the restriction on the connection that it had open', { skip }, async (t) => {
  await using application = await teller()
  await using scene = await httpStage(application.port)
  using attacker = httpClient(ATTACKER, scene.port)
  for (const [restriction, status] of [[mitigationOf('deny'), 403], [mitigationOf('slow', { action: 'limit', limit: { value: 0.01, unit: 'requests/s', burst: 1 } }), 429]] as const) {
    scene.fleet.apply([])
    await scene.settled('nothing')
    await until('it is served', async () => (await attacker.ask())?.status === 200 || undefined)
    scene.fleet.apply([restriction])
    const { openConnections } = await scene.settled('the restriction')
    t.strictSame(openConnections[restriction.metadata.name], [{ means: 'route' }])
    await until('it is answered so', async () => (await attacker.ask())?.status === status || undefined)
    t.equal(await scene.envoy.stat('http.default.downstream_cx_total'), 1, 'on the connection that it had')
  }
})
