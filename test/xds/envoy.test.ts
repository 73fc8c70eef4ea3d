import t from 'tap'
import { skipWithout } from '../setup/tools.ts'
import { mitigationOf } from './mitigation-of.ts'
import { Laboratory, explicitProxy, freePort, greeter, stay, visit } from './laboratory.ts'
import { RealEnvoy, envoyTool, until } from './real-envoy.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
const ATTACKER = '127.0.0.66'
const CLIENT = '127.0.0.10'

/** A pod `victim` with a real Envoy in front of its application, in sync with an empty set of mitigations. */
async function stage (protocol: 'delta' | 'sotw') {
  const stack = new AsyncDisposableStack()
  const laboratory = stack.use(await Laboratory.start())
  const application = stack.use(await greeter())
  const port = await freePort()
  laboratory.fleet.setProxies([explicitProxy('victim', [{ listen: { address: '127.0.0.1', port }, upstream: { address: '127.0.0.1', port: application.port } }])])
  const envoy = stack.use(await RealEnvoy.start({ podUid: 'victim', xdsPort: laboratory.port, credentials: laboratory.credentials('victim'), protocol }))
  const settled = (what: string) => until(`${what}\n${envoy.stderr}`, () => laboratory.fleet.statuses().find(({ state }) => state !== 'pending'))
  await settled('Envoy takes its configuration')
  return { laboratory, application, envoy, port, settled, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

for (const protocol of ['delta', 'sotw'] as const) {
  t.test(`${protocol}: a denied source is refused, others and their connections go on, and the undo lets it in again`, { skip }, async (t) => {
    await using scene = await stage(protocol)
    const { laboratory: { fleet }, application, port, settled } = scene
    t.equal(await visit(ATTACKER, port), 'served', 'before')
    using friend = await stay(CLIENT, port)

    fleet.apply([mitigationOf('deny-66')])
    t.match(await settled('the denial'), { state: 'in-sync', connected: true, mitigations: ['deny-66'], message: '' })
    const before = application.connections()
    t.equal(await visit(ATTACKER, port), 'refused')
    t.equal(application.connections(), before, 'nothing reached the application')
    t.equal(await visit(CLIENT, port), 'served')
    t.equal(await friend.echo('still here'), 'still here')

    fleet.apply([])
    t.match(await settled('the undo'), { state: 'in-sync', mitigations: [] })
    t.equal(await visit(ATTACKER, port), 'served', 'after the undo')
    t.equal(await friend.echo('still here'), 'still here')
  })
}
