import t from 'tap'
import { skipWithout } from '../../setup/tools.ts'
import { visit } from '../../xds/laboratory.ts'
import { envoyTool, onLoopback, RealEnvoy, until } from '../../xds/real-envoy.ts'
import { becomes, CLIENT } from '../../xds/stage.ts'
import { stage } from './stage.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(120_000) // a busy machine starts Envoys slowly

t.test('a silent log of a proxy that is away is told from that of a quiet pod', { skip }, async (t) => {
  await using scene = await stage()
  const { listener, laboratory, envoy, port } = scene
  const becomesLog = (wanted: string) => until(`the log is ${wanted}, not ${listener.server.log}`, () => listener.server.log === wanted || undefined)
  t.equal(listener.server.log, 'none')
  t.equal(await visit(CLIENT, port), 'served')
  await becomesLog('open')
  await envoy[Symbol.asyncDispose]()
  await becomesLog('ended')
  await using stack = new AsyncDisposableStack()
  stack.use(await RealEnvoy.start({ podUid: 'victim', xds: onLoopback(laboratory.port), credentials: laboratory.credentials('victim') }))
  await becomes(CLIENT, port, 'served')
  await becomesLog('open')
  t.equal(listener.server.log, 'open', 'again')
})
