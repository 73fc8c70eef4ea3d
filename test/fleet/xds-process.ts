// The xDS server under a simulated fleet, in a process of its own: told to start, to restrict, and to say what it takes.
import { setTimeout } from 'node:timers/promises'
import { pino } from 'pino'
import type { Credentials } from '../../src/core/identity.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import { fixedCredentials } from '../../src/wire/held-credentials.ts'
import { Fleet } from '../../xds/fleet.ts'
import type { ProxySpec } from '../../xds/proxy-spec.ts'
import { XdsServer } from '../../xds/server.ts'
import { mitigationOf } from '../xds/mitigation-of.ts'
import { obey } from './obey.ts'

export type XdsCommand =
  | { readonly do: 'start', readonly credentials: Credentials, readonly trustDomain: string, readonly port?: number }
  | { readonly do: 'proxies', readonly specs: readonly ProxySpec[] }
  /** Until every known proxy is connected and has taken what it should have. */
  | { readonly do: 'settle' }
  /** Answered when every known and connected proxy has taken it, but for these. */
  | { readonly do: 'apply', readonly mitigations: readonly Mitigation[], readonly but?: readonly string[] }
  /** So many denials of sources of their own, each to all known pods, one after the other over this time; answered as `apply` is. */
  | { readonly do: 'burst', readonly denials: number, readonly overMs: number }
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

/** As the process that serves a cluster does it: what came while it was busy is handed on together. */
async function burst ({ denials, overMs }: { denials: number, overMs: number }): Promise<{ ms: number }> {
  const victims = [...known].map((uid) => ({ uid, addresses: [] }))
  const all = Array.from({ length: denials }, (_, at) => mitigationOf(`burst-${at}`, { subject: { uid: `source-${at}`, addresses: [`198.51.100.${at}`] }, victims }))
  const startedMs = performance.now()
  for (let come = 0; come < denials;) {
    await setTimeout(Math.max(0, startedMs + come * overMs / denials - performance.now()))
    come = Math.min(denials, 1 + Math.floor((performance.now() - startedMs) * denials / overMs))
    fleet.apply(all.slice(0, come))
  }
  const lastMs = startedMs + (denials - 1) * overMs / denials
  await untilSettled()
  return { ms: performance.now() - lastMs }
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
      const appliedMs = performance.now()
      fleet.apply(command.mitigations)
      await untilSettled()
      return { ms: performance.now() - appliedMs }
    }
    case 'burst': return burst(command)
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
