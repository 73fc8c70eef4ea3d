import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { skipWithout } from '../../setup/tools.ts'
import { explicitProxy, freePort, Laboratory } from '../../xds/laboratory.ts'
import { mitigationOf } from '../../xds/mitigation-of.ts'
import { envoyTool, onLoopback, RealEnvoy, until } from '../../xds/real-envoy.ts'
import { ATTACKER } from '../../xds/stage.ts'
import { Listener } from './stage.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(120_000) // a busy machine starts Envoys slowly

/** A pod whose Envoy sees requests on its one port. */
async function httpStage () {
  const stack = new AsyncDisposableStack()
  const listener = stack.use(await Listener.start())
  const laboratory = stack.use(await Laboratory.start())
  const application = createServer((_, response) => { response.end('hello') }).listen(0, '127.0.0.1')
  await once(application, 'listening')
  stack.defer(() => {
    application.close()
    application.closeAllConnections()
  })
  const port = await freePort()
  const upstream = { address: '127.0.0.1', port: (application.address() as AddressInfo).port }
  laboratory.fleet.setProxies([{ ...explicitProxy('victim', [{ listen: { address: '127.0.0.1', port }, upstream }]), httpPorts: [port], accessLog: { socket: listener.socket } }])
  const envoy = stack.use(await RealEnvoy.start({ podUid: 'victim', xds: onLoopback(laboratory.port), credentials: laboratory.credentials('victim') }))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  stack.defer(() => agent.destroy())
  /** The status of a request on the one connection that is kept open. */
  const ask = async (): Promise<number | undefined> => {
    const call = request({ host: '127.0.0.1', port, localAddress: ATTACKER, agent }).end()
    const [response] = await once(call, 'response') as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    return response.statusCode
  }
  await until(`Envoy serves: ${envoy.stderr}`, () => ask().then((status) => status === 200 ? true : undefined, () => undefined))
  return { listener, fleet: laboratory.fleet, port, ask, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

t.test('a denial that meets an open HTTP connection counts its requests', { skip }, async (t) => {
  await using scene = await httpStage()
  const { listener, fleet, port, ask } = scene
  fleet.apply([mitigationOf('deny')])
  await until('the open connection is denied', async () => await ask() === 403 ? true : undefined)
  for (let asked = 0; asked < 4; asked++) t.equal(await ask(), 403)
  t.match(await listener.counted(ATTACKER, ({ denied }) => denied >= 5), { denied: 5, limited: 0 })
  t.match(listener.counts.at(-1), { unit: 'requests', port })
})

t.test('requests beyond a rate count as limited, also on a connection that was open before', { skip }, async (t) => {
  await using scene = await httpStage()
  const { listener, fleet, ask } = scene
  fleet.apply([mitigationOf('rate', { action: 'limit', limit: { value: 0.01, unit: 'requests/s', burst: 2 } })])
  await until('it is limited', async () => await ask() === 429 ? true : undefined)
  for (let asked = 0; asked < 4; asked++) t.equal(await ask(), 429)
  t.match(await listener.counted(ATTACKER, ({ limited }) => limited >= 5), { denied: 0, limited: 5 })
})
