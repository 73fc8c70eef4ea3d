// The xDS server under a simulated fleet, in a process of its own: told to start, to restrict, and to say what it takes.
import { setTimeout } from 'node:timers/promises'
import { pino } from 'pino'
import type { Credentials } from '../../src/core/identity.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import { fixedCredentials } from '../../src/wire/held-credentials.ts'
import { Fleet } from '../../xds/fleet.ts'
import type { ProxySpec } from '../../xds/proxy-spec.ts'
import { XdsServer } from '../../xds/server.ts'
import { obey } from './obey.ts'

export type XdsCommand =
  | { readonly do: 'start', readonly credentials: Credentials, readonly trustDomain: string, readonly port?: number }
  | { readonly do: 'proxies', readonly specs: readonly ProxySpec[] }
  /** Until every known proxy is connected and has taken what it should have. */
  | { readonly do: 'settle' }
  /** One set after the other, `everyMs` apart; answered when every known and connected proxy has taken the last. */
  | { readonly do: 'apply', readonly sets: readonly (readonly Mitigation[])[], readonly everyMs: number, readonly but?: readonly string[] }
  | { readonly do: 'statuses' }
  | { readonly do: 'memory' }

const fleet = new Fleet({ clock: { now: Date.now }, defaultInbound: { mode: 'redirect', port: 15_006 } })
/** Pods that should have a proxy. */
let known: ReadonlySet<string> = new Set()
/** Those of them whose proxies have not taken what they should have. */
const behind = new Set<string>()
let settled: (() => void) | null = null
/** Pods that nobody waits for. */
let passedOver: ReadonlySet<string> = new Set()

fleet.onChange(({ podUid, state, connected }) => {
  if (state === 'in-sync' && connected) behind.delete(podUid)
  else if (known.has(podUid) && !passedOver.has(podUid)) behind.add(podUid)
  if (behind.size === 0) settled?.()
})

async function untilSettled (): Promise<void> {
  if (behind.size === 0) return
  const { promise, resolve } = Promise.withResolvers<undefined>()
  settled = () => resolve(undefined)
  await promise
  settled = null
}

async function answer (command: XdsCommand): Promise<unknown> {
  switch (command.do) {
    case 'start': {
      const { credentials, trustDomain, port = 0 } = command
      const server = new XdsServer({ fleet, credentials: fixedCredentials(credentials), trustDomain, listen: { host: '127.0.0.1', port }, log: pino({ level: 'silent' }) })
      server.run(new AbortController().signal).catch((error: unknown) => { throw error })
      return { port: await server.port }
    }
    case 'proxies': {
      known = new Set(command.specs.map(({ podUid }) => podUid))
      fleet.setProxies(command.specs)
      for (const uid of behind) if (!known.has(uid)) behind.delete(uid)
      return {}
    }
    case 'settle': {
      const startedMs = performance.now()
      await untilSettled()
      return { ms: performance.now() - startedMs }
    }
    case 'apply': {
      passedOver = new Set(command.but)
      for (const uid of passedOver) behind.delete(uid)
      const { sets, everyMs } = command
      let appliedMs = performance.now()
      for (const [at, mitigations] of sets.entries()) {
        if (at > 0) await setTimeout(everyMs)
        appliedMs = performance.now()
        fleet.apply(mitigations)
      }
      await untilSettled()
      return { ms: performance.now() - appliedMs }
    }
    case 'statuses': return fleet.statuses()
    case 'memory': {
      for (let turn = 0; turn < 2; turn++) {
        globalThis.gc?.()
        await setTimeout(300) // V8 gives freed pages back beside the program
      }
      const { rss, heapUsed, external } = process.memoryUsage()
      return { rssBytes: rss, heldBytes: heapUsed + external }
    }
  }
}

await obey((line) => answer(JSON.parse(line) as XdsCommand))
