import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Flow } from '../../src/core/plan/reach/reach.ts'
import type { NamedPort, Pod } from '../../src/core/pod.ts'
import { isAlive, Sandbox } from '../real/cluster/sandbox.ts'
import type { Machine } from '../real/cluster/enforcing.ts'
import type { TestCluster } from '../real/cluster/test-cluster.ts'

const PROGRAM = readFileSync(new URL('end-process.ts', import.meta.url), 'utf8')
const NODE = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url))
const ARGUMENTS = ['--input-type=module-typescript', '--disable-warning=ExperimentalWarning', '-e', PROGRAM]

/** A flow of a transport that ends can try. */
export type Attempt = Flow & { readonly protocol: 'TCP' | 'UDP' }

/** A process that listens on every port that is tried and tries to reach others; it speaks by pipes, which no policy cuts. */
class End {
  readonly #child
  readonly #waiting = new Map<number, (reached: readonly boolean[]) => void>()
  #last = 0

  constructor (program: string, args: readonly string[]) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface(this.#child.stdout).on('line', (line) => {
      const { id, reached } = JSON.parse(line) as { id: number, reached: boolean[] }
      this.#waiting.get(id)?.(reached)
      this.#waiting.delete(id)
    })
  }

  /** Resolves when it listens. */
  async listens (): Promise<void> { await this.tries([], 0) }

  async tries (attempts: readonly Attempt[], timeoutMs: number): Promise<readonly boolean[]> {
    const id = ++this.#last
    const { promise, resolve, reject } = Promise.withResolvers<readonly boolean[]>()
    this.#waiting.set(id, resolve)
    const ended = (status: number | null): void => reject(new Error(`an end of the traffic ended with ${String(status)}`))
    this.#child.once('exit', ended)
    this.#child.stdin.write(`${JSON.stringify({ id, attempts, timeoutMs })}\n`)
    return promise.finally(() => this.#child.off('exit', ended))
  }

  stop (): void {
    this.#child.stdin.end() // a process that nsenter started does not end with it
    this.#child.kill()
  }
}

/** What a pod of the tests is made with. */
export interface PodOrder extends Pick<Pod, 'namespace' | 'name' | 'node' | 'labels'> {
  readonly ports?: readonly NamedPort[]
  readonly hostNetwork?: true
}

/** Ends of real traffic on a cluster that enforces NetworkPolicies, for one test. */
export class Ends {
  readonly pods: readonly Pod[]
  readonly #byAddress: ReadonlyMap<string, End>

  private constructor (pods: readonly Pod[], byAddress: ReadonlyMap<string, End>) {
    this.pods = pods
    this.#byAddress = byAddress
  }

  /** Starts the pods, and a process on each machine; each listens on all `ports`, TCP and UDP. They end with the test. */
  static async start (t: Test, { kubectl, kubeconfig, programs, images }: TestCluster, { pods: orders, machines, ports }: { pods: readonly PodOrder[], machines: readonly Machine[], ports: readonly number[] }): Promise<Ends> {
    const items = orders.map(({ namespace, name, node, labels, ports: named = [], hostNetwork = false }) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name, labels },
      spec: {
        nodeName: node,
        hostNetwork,
        terminationGracePeriodSeconds: 0,
        containers: [{
          name: 'end',
          image: images.autoshield,
          imagePullPolicy: 'Never',
          command: ['node', ...ARGUMENTS, ports.join(',')],
          stdin: true,
          securityContext: { runAsUser: 0, runAsGroup: 0 }, // for ports below 1024
          ports: named.map(({ name: port, protocol, number }) => ({ name: port, protocol, containerPort: number })),
        }],
      },
    }))
    await kubectl(['create', '-f', '-'], { stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) })
    const pods: Pod[] = []
    const byAddress = new Map<string, End>()
    const add = async (end: End, addresses: readonly string[]): Promise<void> => {
      t.teardown(() => end.stop())
      await end.listens()
      for (const address of addresses) byAddress.set(address, end)
    }
    for (const { namespace, name, node, labels, ports: named = [], hostNetwork = false } of orders) {
      await kubectl(['-n', namespace, 'wait', `pod/${name}`, '--for=condition=Ready', '--timeout=120s'])
      const [uid = '', ...addresses] = (await kubectl(['-n', namespace, 'get', 'pod', name, '-o', 'jsonpath={.metadata.uid} {.status.podIPs[*].ip}'])).split(' ')
      pods.push({ uid, namespace, name, addresses, labels, node, ports: named, hostNetwork })
      await add(new End(join(programs, 'kubectl'), ['--kubeconfig', kubeconfig, '-n', namespace, 'attach', '--quiet', '--stdin', name]), addresses)
    }
    for (const { keeper, addresses, name } of machines) {
      if (!isAlive(keeper)) throw new Error(`${name} is gone`)
      const [enter, ...rest] = Sandbox.of(keeper, '').entry
      await add(new End(enter, [...rest, NODE, ...ARGUMENTS, ports.join(',')]), addresses)
    }
    return new Ends(pods, byAddress)
  }

  get addresses (): string[] { return [...this.#byAddress.keys()] }

  /** Whether each came through, by real packets; all at once. */
  async try (attempts: readonly Attempt[], timeoutMs: number): Promise<boolean[]> {
    const bySource = Map.groupBy(attempts, ({ source }) => source)
    const reached = new Map<Attempt, boolean>()
    await Promise.all([...bySource].map(async ([source, some]) => {
      const end = this.#byAddress.get(source)
      if (end === undefined) throw new Error(`nobody tries from ${source}`)
      const answers = await end.tries(some, timeoutMs)
      for (const [at, attempt] of some.entries()) reached.set(attempt, answers[at] ?? false)
    }))
    return attempts.map((attempt) => reached.get(attempt) ?? false)
  }
}
