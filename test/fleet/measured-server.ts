import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { ProxyStatus } from '../../src/ports/proxies.ts'
import type { ProxySpec } from '../../xds/proxy-spec.ts'
import { mitigationOf } from '../xds/mitigation-of.ts'
import type { FleetIdentities } from './simulated-fleet.ts'
import { ToldProcess } from './told-process.ts'
import type { XdsCommand } from './xds-process.ts'

/** Port of every pod's redirect. */
const REDIRECT_PORT = 15_006

export const behindRedirect = (podUid: string): ProxySpec => ({ podUid, inbound: { mode: 'redirect', port: REDIRECT_PORT } })

/** One that concerns all of these pods. */
export const denialOf = (name: string, address: string, uids: readonly string[]): Mitigation =>
  mitigationOf(name, { subject: { uid: `attacker-${address}`, addresses: [address] }, victims: uids.map((uid) => ({ uid, addresses: [] })) })

/** Our xDS server in a process of its own, on a core of its own where the machine has two. */
export class MeasuredServer implements AsyncDisposable {
  readonly process: ToldProcess
  readonly port: number

  private constructor (process: ToldProcess, port: number) {
    this.process = process
    this.port = port
  }

  static async start (identities: FleetIdentities, port = 0): Promise<MeasuredServer> {
    const process = ToldProcess.node('server', 'xds-process.ts', ['--expose-gc'])
    const started = await process.tell<{ port: number }>({ do: 'start', credentials: identities.server(), trustDomain: identities.trustDomain, port } satisfies XdsCommand)
    return new MeasuredServer(process, started.port)
  }

  /** The whole set of pods that have a proxy. */
  async proxies (specs: readonly ProxySpec[]): Promise<void> {
    await this.process.tell({ do: 'proxies', specs } satisfies XdsCommand)
  }

  async settle (): Promise<number> {
    return (await this.process.tell<{ ms: number }>({ do: 'settle' } satisfies XdsCommand)).ms
  }

  /** Milliseconds to the answer of the last proxy, but for these. */
  async apply (mitigations: readonly Mitigation[], { but = [] }: { but?: readonly string[] } = {}): Promise<number> {
    return (await this.process.tell<{ ms: number }>({ do: 'apply', mitigations, but } satisfies XdsCommand)).ms
  }

  /** So many denials, each to all proxies, one after the other over this time; milliseconds from the last of them to the answer of the last proxy. */
  async burst (denials: number, overMs: number): Promise<number> {
    return (await this.process.tell<{ ms: number }>({ do: 'burst', denials, overMs } satisfies XdsCommand)).ms
  }

  async statuses (): Promise<readonly ProxyStatus[]> {
    return this.process.tell<readonly ProxyStatus[]>({ do: 'statuses' } satisfies XdsCommand)
  }

  /** After collecting garbage; `heldBytes` is what the program itself holds, on V8's heap and beside it. */
  async memory (): Promise<{ rssBytes: number, heldBytes: number }> {
    return this.process.tell({ do: 'memory' } satisfies XdsCommand)
  }

  [Symbol.asyncDispose] (): Promise<void> {
    return this.process[Symbol.asyncDispose]()
  }
}
