// Simulated proxies, many in one process: told to connect, to be cut off, and to say what they have counted.
import type { Credentials } from '../../src/core/identity.ts'
import { obey } from './obey.ts'
import { SimulatedProxy, type Counted } from './simulated-proxy.ts'

/** Connections that are being made at once: a listener's backlog is bounded. */
const AT_ONCE = 64
/** A server that has too much to do ends handshakes that take long; an Envoy tries for ever. */
const MOST_TRIES = 10

export type ProxiesCommand =
  | { readonly do: 'add', readonly port: number, readonly pods: readonly { readonly uid: string, readonly credentials: Credentials }[], readonly answersAfterMs?: number }
  | { readonly do: 'cut', readonly pods: readonly string[] }
  | { readonly do: 'connect' }
  | { readonly do: 'forget', readonly pods: readonly string[] }
  | { readonly do: 'count' }
  /** What each has, the pods that have the same together. */
  | { readonly do: 'holdings' }

export interface Holding { readonly resources: readonly string[], readonly pods: readonly string[] }

const counted: Counted = { responses: 0, resources: 0, removed: 0, bytes: 0, cut: 0, retried: 0 }
const proxies = new Map<string, SimulatedProxy>()

async function persist (proxy: SimulatedProxy): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await proxy.connect()
      return
    } catch (error) {
      if (tries === MOST_TRIES) throw error
      counted.retried++
    }
  }
}

async function answer (command: ProxiesCommand): Promise<unknown> {
  switch (command.do) {
    case 'add': {
      const { port, pods, answersAfterMs } = command
      for (const { uid, credentials } of pods) proxies.set(uid, new SimulatedProxy({ podUid: uid, port, credentials, ...answersAfterMs === undefined ? {} : { answersAfterMs } }, counted))
      return {}
    }
    case 'cut': {
      for (const uid of command.pods) proxies.get(uid)?.cut()
      return {}
    }
    case 'connect': {
      const startedMs = performance.now()
      const waiting = [...proxies.values()].filter(({ connected }) => !connected)
      await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await persist(next)
      }))
      return { ms: performance.now() - startedMs }
    }
    case 'forget': {
      for (const uid of command.pods) {
        proxies.get(uid)?.cut()
        proxies.delete(uid)
      }
      return {}
    }
    case 'holdings': {
      const alike = Map.groupBy(proxies, ([, { holdings }]) => holdings.join('\n'))
      return [...alike].map(([resources, members]): Holding => ({ resources: resources.split('\n'), pods: members.map(([uid]) => uid) }))
    }
    case 'count': return { ...counted, connected: [...proxies.values()].filter(({ connected }) => connected).length }
  }
}

await obey((line) => answer(JSON.parse(line) as ProxiesCommand))
