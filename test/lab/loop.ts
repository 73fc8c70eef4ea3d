import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { autoshield, Running } from '../program.ts'
import type { Lab } from './lab.ts'
import type { Pod } from './pod.ts'

/** The gateway's address as every pod sees it. */
export const GATEWAY = '169.254.1.1'
export const PORTS = { ingest: 18_001, xds: 18_000, api: 8000, dashboard: 8081 } as const
const NAMESPACE = 'shop'

const inNetworkOf = (pod: Pod): string[] => ['setpriv', '--pdeathsig', 'TERM', 'nsenter', `--net=/proc/${pod.pid}/ns/net`]

export interface LoopOptions {
  /** Its data folder; identities are at `identities/POD`. */
  readonly data: string
  /** Those that get an observer with live capture. */
  readonly observed: readonly Pod[]
  readonly args?: readonly string[]
  readonly actuation: boolean
}

/** The whole product in a laboratory, nothing replaced: `autoshield up` on the gateway, and an observer in each pod that is named. */
export class LabLoop implements AsyncDisposable {
  readonly up: Running
  readonly #lab: Lab
  readonly #stack: AsyncDisposableStack

  private constructor (lab: Lab, up: Running, stack: AsyncDisposableStack) {
    this.#lab = lab
    this.up = up
    this.#stack = stack
  }

  /** Every pod of the laboratory is known to the loop as one of namespace `shop`, by its name and label `app`. */
  static async start (lab: Lab, { data, observed, args = [], actuation }: LoopOptions): Promise<LabLoop> {
    const stack = new AsyncDisposableStack()
    try {
      await mkdir(data, { recursive: true })
      const podFile = join(data, 'pods.json')
      await writeFile(podFile, JSON.stringify(Object.fromEntries(lab.pods.flatMap(({ name, addresses }) =>
        addresses.map((address) => [address, { namespace: NAMESPACE, name, uid: name, labels: { app: name } }])))))
      const up = stack.use(Running.start(['up', '--no-replay', '--data', data, '--pods', podFile, '--ingest', `${GATEWAY}:${PORTS.ingest}`, '--xds', `${GATEWAY}:${PORTS.xds}`,
        '--api-port', String(PORTS.api), '--dashboard-port', String(PORTS.dashboard), ...args], { ENABLE_ACTUATION: String(actuation) }, inNetworkOf(lab.gateway)))
      await up.saying(/actuation {2}o/, 90_000)
      await Promise.all(observed.map(async (pod) => {
        const { name, addresses } = pod
        const identity = join(data, 'identities', name)
        const issued = await autoshield(['identity', 'issue', '--data', data, '--namespace', NAMESPACE, '--uid', name, '--out', identity])
        if (issued.status !== 0) throw new Error(issued.stderr)
        const observer = stack.use(Running.start(['observer', '--interface', 'eth0', '--address', addresses.join(','), '--detector', `${GATEWAY}:${PORTS.ingest}`, '--identity', identity],
          {}, inNetworkOf(pod)))
        await observer.saying(/connected to the detector/, 90_000)
      }))
      return new LabLoop(lab, up, stack.move())
    } catch (error) {
      await stack.disposeAsync()
      throw error
    }
  }

  /** Asks the API; `more` are further arguments of curl. */
  async api<T> (path: string, ...more: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.#lab.gateway.spawnInNetwork(['curl', '-sS', '--noproxy', '*', ...more, `http://127.0.0.1:${PORTS.api}/api/v1${path}`], { timeoutMs: 10_000 }).done
    if (code !== 0) throw new Error(`the API does not answer: ${stderr}\n${this.up.stdout}`)
    return JSON.parse(stdout) as T
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.#stack.disposeAsync()
  }
}
