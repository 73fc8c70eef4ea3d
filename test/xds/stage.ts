import type { ProxyStatus } from '../../src/ports/proxies.ts'
import { Laboratory, explicitProxy, freePort, greeter, visit, type Visit } from './laboratory.ts'
import { onLoopback, RealEnvoy, until } from './real-envoy.ts'

/** Sources on loopback, each an address of its own. */
export const ATTACKER = '127.0.0.66'
export const CLIENT = '127.0.0.10'

/** A pod `victim` with a real Envoy in front of its application, which has taken an empty set of mitigations. */
export async function stage (protocol: 'delta' | 'sotw' = 'delta') {
  const stack = new AsyncDisposableStack()
  const laboratory = stack.use(await Laboratory.start())
  const application = stack.use(await greeter())
  const port = await freePort()
  const proxy = explicitProxy('victim', [{ listen: { address: '127.0.0.1', port }, upstream: { address: '127.0.0.1', port: application.port } }])
  laboratory.fleet.setProxies([proxy])
  const envoy = stack.use(await RealEnvoy.start({ podUid: 'victim', xds: onLoopback(laboratory.port), credentials: laboratory.credentials('victim'), protocol }))
  /** The proxy's status once it has answered to what should hold. */
  const settled = (what: string): Promise<ProxyStatus> =>
    until(`${what}: ${JSON.stringify(laboratory.fleet.statuses())}\n${envoy.stderr}`, () => laboratory.fleet.statuses().find(({ podUid, state }) => podUid === 'victim' && state !== 'pending'))
  await settled('Envoy takes its configuration')
  return { laboratory, fleet: laboratory.fleet, application, envoy, port, proxy, settled, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** Envoy's workers take a change some milliseconds after the ACK, so the effect is waited for. */
export function becomes (from: string, port: number, wanted: Visit): Promise<true> {
  return until(`${from} is ${wanted}`, async () => await visit(from, port) === wanted ? true : undefined)
}
