import { Agent, type AgentOptions } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Test } from 'tap'
import type { Mitigation } from '../../../src/core/mitigation/mitigation.ts'
import type { ProxyStatus } from '../../../src/ports/proxies.ts'
import { missingForLab } from '../../lab/lab.ts'
import { PodSockets } from '../../lab/pod-sockets.ts'
import { processesIn } from '../../lab/processes-in.ts'
import { skipWithout } from '../../setup/tools.ts'
import { adminPage, adminStat } from '../../xds/envoy-admin.ts'
import { httpOver } from '../../xds/http-stage.ts'
import { envoyTool, until } from '../../xds/real-envoy.ts'
import { podWithProxy, type PodWithProxyOptions } from './pod-with-proxy.ts'

/** A reason to skip what needs a shielded pod and these tools, or false. */
export const skipShielded = (tools: readonly string[] = []): string | false =>
  skipWithout([...missingForLab(['socat', 'nft', 'stdbuf', 'ss', ...tools]), ...envoyTool.missing === undefined ? [] : [envoyTool.missing]])

/** A pod whose kept Envoy has its configuration and, unless its ports are explicit, whose connections are redirected there. */
export async function shieldedPod (t: Test, options: PodWithProxyOptions = {}) {
  const pods = await podWithProxy(t, options)
  const { victim, scanner, client, fleet, adminSocket } = pods
  const [ofVictim, ofScanner, ofClient] = [victim, scanner, client].map((pod) => {
    const sockets = new PodSockets(pod)
    t.teardown(() => sockets[Symbol.asyncDispose]())
    return sockets
  }) as [PodSockets, PodSockets, PodSockets]
  const xds = await pods.serveXds()
  const agent = pods.startAgent()
  t.teardown(async () => {
    agent.signal('SIGKILL')
    await agent.done
  })
  const settled = (what: string): Promise<ProxyStatus> =>
    until(`${what}: ${JSON.stringify(fleet.statuses())}\n${agent.stderr}`, () => fleet.statuses().find(({ connected, state }) => connected && state !== 'pending'), 60_000)
  if (options.explicitPorts === undefined) await agent.saying('connections are redirected', 60_000)
  await settled('the first configuration')
  return {
    ...pods,
    agent,
    xds,
    sockets: { victim: ofVictim, scanner: ofScanner, client: ofClient },
    /** Ends the Envoy that runs now, as a crash does. */
    killEnvoy: (): void => { for (const pid of processesIn(victim, 'envoy')) process.kill(pid, 'SIGKILL') },
    /** Resolves when the agent has said it so many times in all. */
    said: (text: string, times: number): Promise<true> =>
      until(`'${text}' is said ${times} times\n${agent.stderr}`, () => agent.stderr.split(text).length > times || undefined, 60_000),
    admin: (path: string): Promise<string> => adminPage(adminSocket, path),
    /** All of Envoy's listeners, clusters and routes, but for the time at which it took them. */
    configuration: async (): Promise<unknown> => {
      const dump = JSON.parse(await adminPage(adminSocket, '/config_dump'), (key, value: unknown) => key === 'last_updated' ? undefined : value) as { configs: { '@type': string }[] }
      return dump.configs.filter((part) => /\.(Listeners|Clusters|Routes)ConfigDump$/.test(part['@type']))
    },
    stat: (name: string): Promise<number> => adminStat(adminSocket, name),
    /** What should hold from now on; resolves when Envoy has taken it. Its workers may need some milliseconds more. */
    hold: async (...mitigations: readonly Mitigation[]): Promise<void> => {
      fleet.apply(mitigations)
      const { state, message } = await settled(mitigations.map(({ metadata }) => metadata.name).join(', '))
      if (state !== 'in-sync') throw new Error(`Envoy says: ${message}`)
    },
  }
}

/** A client of HTTP/1.1 in a pod that keeps its connection; it counts those that it made. */
export function podHttpClient (sockets: PodSockets, host: string, port: number, from?: string) {
  let connections = 0
  class PodAgent extends Agent {
    override createConnection (_options: AgentOptions, done?: (error: Error | null, stream: Duplex) => void): undefined {
      connections++
      sockets.connect(host, port, from).then((socket) => done?.(null, socket), (error: unknown) => done?.(error as Error, undefined as never))
    }
  }
  return { ...httpOver(new PodAgent({ keepAlive: true, maxSockets: 1 }), port), connections: () => connections }
}
