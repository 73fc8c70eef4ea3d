import { availableParallelism } from 'node:os'
import { Authority, createAuthority } from '../../certs/authority.ts'
import type { Credentials } from '../../src/core/identity.ts'
import type { Holding, ProxiesCommand } from './proxies-process.ts'
import type { Counted } from './simulated-proxy.ts'
import { ToldProcess } from './told-process.ts'

const trustDomain = 'fleet.test'
const MOST_PROCESSES = 4

export const podUid = (index: number): string => `pod-${index}`
export const podUids = (count: number): string[] => Array.from({ length: count }, (_, index) => podUid(index))

/** Identities of one trust domain, for a server and its proxies. */
export class FleetIdentities {
  readonly trustDomain = trustDomain
  readonly #authority = new Authority(createAuthority(trustDomain, Date.now()))

  server (): Credentials {
    return this.#authority.issueWithKey({ identity: { trustDomain, namespace: 'autoshield', uid: 'xds' }, dns: ['xds.test'], ip: ['127.0.0.1'] }, Date.now())
  }

  pod (uid: string): Credentials {
    return this.#authority.issueWithKey({ identity: { trustDomain, namespace: 'test', uid } }, Date.now())
  }
}

/** Simulated proxies in a few processes, beside the server's core. */
export class SimulatedFleet implements AsyncDisposable {
  readonly #identities: FleetIdentities
  readonly #port: number
  readonly #processes: readonly ToldProcess[]
  readonly #homes = new Map<string, ToldProcess>()

  constructor (identities: FleetIdentities, port: number) {
    this.#identities = identities
    this.#port = port
    const count = Math.max(1, Math.min(MOST_PROCESSES, availableParallelism() - 1))
    this.#processes = Array.from({ length: count }, () => ToldProcess.node('others', 'proxies-process.ts'))
  }

  async add (uids: readonly string[], options: { readonly answersAfterMs?: number } = {}): Promise<void> {
    const shares = Map.groupBy(uids, (_, index) => this.#processes[index % this.#processes.length])
    await Promise.all([...shares].map(async ([home, share]) => {
      if (home === undefined) return
      for (const uid of share) this.#homes.set(uid, home)
      const pods = share.map((uid) => ({ uid, credentials: this.#identities.pod(uid) }))
      await home.tell({ do: 'add', port: this.#port, pods, ...options } satisfies ProxiesCommand)
    }))
  }

  /** Connects all that are not; the longest time that a process took until its last proxy had its listeners. */
  async connect (): Promise<number> {
    const answers = await Promise.all(this.#processes.map((process) => process.tell<{ ms: number }>({ do: 'connect' } satisfies ProxiesCommand)))
    return Math.max(...answers.map(({ ms }) => ms))
  }

  /** Their connections break without a farewell. */
  async cut (uids: readonly string[]): Promise<void> {
    await this.#each('cut', uids)
  }

  /** Their pods are gone for good. */
  async forget (uids: readonly string[]): Promise<void> {
    await this.#each('forget', uids)
    for (const uid of uids) this.#homes.delete(uid)
  }

  /** They neither read nor write, and their kernel keeps their connections, until `thaw`; nothing else may be asked of them meanwhile. */
  freeze (): void {
    for (const process of this.#processes) process.kill('SIGSTOP')
  }

  thaw (): void {
    for (const process of this.#processes) process.kill('SIGCONT')
  }

  async count (): Promise<Counted & { connected: number }> {
    const counts = await Promise.all(this.#processes.map((process) => process.tell<Counted & { connected: number }>({ do: 'count' } satisfies ProxiesCommand)))
    const sum = (key: keyof Counted | 'connected'): number => counts.reduce((total, counted) => total + counted[key], 0)
    return { responses: sum('responses'), resources: sum('resources'), removed: sum('removed'), bytes: sum('bytes'), cut: sum('cut'), retried: sum('retried'), connected: sum('connected') }
  }

  async holdings (): Promise<readonly Holding[]> {
    return (await Promise.all(this.#processes.map((process) => process.tell<Holding[]>({ do: 'holdings' } satisfies ProxiesCommand)))).flat()
  }

  async #each (what: 'cut' | 'forget', uids: readonly string[]): Promise<void> {
    const shares = Map.groupBy(uids, (uid) => this.#homes.get(uid))
    await Promise.all([...shares].map(async ([home, pods]) => { await home?.tell({ do: what, pods } satisfies ProxiesCommand) }))
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await Promise.all(this.#processes.map((process) => process[Symbol.asyncDispose]()))
  }
}
