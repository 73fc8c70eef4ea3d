import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Flow } from '../../src/core/plan/reach/verdict.ts'
import type { NamedPort, Pod } from '../../src/core/pod.ts'
import { isAlive, Sandbox } from '../real/cluster/sandbox.ts'
import type { Machine } from '../real/cluster/enforcing.ts'
import type { Lifetime, TestCluster } from '../real/cluster/test-cluster.ts'

const PROGRAM = readFileSync(new URL('end-process.ts', import.meta.url), 'utf8')
const NODE = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url))
const ARGUMENTS = ['--input-type=module-typescript', '--disable-warning=ExperimentalWarning', '-e', PROGRAM]

/** A flow of a transport that ends can try. */
export type Attempt = Flow & { readonly protocol: 'TCP' | 'UDP' }

/** Exchanges over TCP, one after the other until the test ends: `kept` over one connection, `new` over another each time. */
export interface Talk extends Pick<Flow, 'source' | 'destination' | 'port'> { readonly kind: 'kept' | 'new' }

/** What came of a talk so far. A failure is its time, the talk and the error; an answer that takes 10 s is one. */
interface Told { readonly exchanges: number, readonly failures: readonly string[] }

/** A datagram: when it was sent, Unix ms, and whether it has come back. */
export interface Pulse { readonly atMs: number, readonly answered: boolean }

/** A process that listens on every port that is tried and tries to reach others; it speaks by pipes, which no policy cuts. */
class End {
  readonly #child
  readonly #waiting = new Map<number, (answer: object) => void>()
  #last = 0

  constructor (program: string, args: readonly string[]) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface(this.#child.stdout).on('line', (line) => {
      const { id, ...answer } = JSON.parse(line) as { id: number }
      this.#waiting.get(id)?.(answer)
      this.#waiting.delete(id)
    })
  }

  /** Resolves when it listens. */
  async listens (): Promise<void> { await this.tries([], 0) }

  async tries (attempts: readonly Attempt[], timeoutMs: number): Promise<readonly boolean[]> {
    const { reached } = await this.#ask({ type: 'try', attempts, timeoutMs }) as { reached: boolean[] }
    return reached
  }

  async talk (talks: readonly Talk[]): Promise<void> { await this.#ask({ type: 'talk', talks }) }

  /** Of all its talks, in their order. */
  async told (): Promise<readonly Told[]> {
    const { talking } = await this.#ask({ type: 'told' }) as { talking: Told[] }
    return talking
  }

  async pulse (to: Pick<Flow, 'source' | 'destination' | 'port'>): Promise<void> { await this.#ask({ type: 'pulse', ...to }) }

  async pulses (): Promise<readonly Pulse[]> {
    const { sent } = await this.#ask({ type: 'pulses' }) as { sent: Pulse[] }
    return sent
  }

  async #ask (question: object): Promise<object> {
    const id = ++this.#last
    const { promise, resolve, reject } = Promise.withResolvers<object>()
    this.#waiting.set(id, resolve)
    const ended = (status: number | null): void => reject(new Error(`an end of the traffic ended with ${String(status)}`))
    this.#child.once('exit', ended)
    this.#child.stdin.write(`${JSON.stringify({ id, ...question })}\n`)
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
  /** Containers beside the end. */
  readonly beside?: readonly object[]
  /** It is to have an observer: where the webhook was too slow for the API server, which then goes on without it, the pod is made again. */
  readonly observed?: true
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
  static async start (t: Lifetime, { kubectl, kubeconfig, programs, images }: TestCluster, { pods: orders, machines, ports }: { pods: readonly PodOrder[], machines: readonly Machine[], ports: readonly number[] }): Promise<Ends> {
    const make = async (some: readonly PodOrder[]): Promise<void> => {
      await kubectl(['create', '-f', '-'], { stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: some.map((order) => podOf(order, images.autoshield, ports)) }) })
      const missed = (await Promise.all(some.map(async (order) => order.observed === undefined || await isInjected(kubectl, order) ? [] : [order]))).flat()
      for (const { namespace, name } of missed) await kubectl(['-n', namespace, 'delete', 'pod', name, '--now'])
      if (missed.length > 0) await make(missed)
    }
    await make(orders)
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
      const answers = await this.#at(source).tries(some, timeoutMs)
      for (const [at, attempt] of some.entries()) reached.set(attempt, answers[at] ?? false)
    }))
    return attempts.map((attempt) => reached.get(attempt) ?? false)
  }

  /** Begins talks that go on until the test ends. */
  async talk (talks: readonly Talk[]): Promise<void> {
    await Promise.all([...Map.groupBy(talks, ({ source }) => source)].map(async ([source, some]) => this.#at(source).talk(some)))
  }

  /** What came of the talks that began so far: all exchanges, the fewest of one talk, and every failure. */
  async told (): Promise<{ readonly fewest: number, readonly failures: readonly string[] }> {
    const all = (await Promise.all([...new Set(this.#byAddress.values())].map(async (end) => end.told()))).flat()
    return { fewest: Math.min(...all.map(({ exchanges }) => exchanges)), failures: all.flatMap(({ failures }) => failures) }
  }

  /** Sends a datagram every 20 ms until the next pulse from there begins. */
  async pulse (to: Pick<Flow, 'source' | 'destination' | 'port'>): Promise<void> { await this.#at(to.source).pulse(to) }

  /** Of the newest pulse from there, in order. */
  async pulses (source: string): Promise<readonly Pulse[]> { return this.#at(source).pulses() }

  #at (address: string): End {
    const end = this.#byAddress.get(address)
    if (end === undefined) throw new Error(`nobody tries from ${address}`)
    return end
  }
}

const podOf = ({ namespace, name, node, labels, ports: named = [], hostNetwork, beside = [] }: PodOrder, image: string, ports: readonly number[]): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name, labels },
  spec: {
    nodeName: node,
    hostNetwork,
    terminationGracePeriodSeconds: 0,
    containers: [{
      name: 'end',
      image,
      imagePullPolicy: 'Never',
      command: ['node', ...ARGUMENTS, ports.join(',')],
      stdin: true,
      securityContext: { runAsUser: 0, runAsGroup: 0 }, // for ports below 1024
      ports: named.map(({ name: port, protocol, number }) => ({ name: port, protocol, containerPort: number })),
    }, ...beside],
  },
})

const isInjected = async (kubectl: TestCluster['kubectl'], { namespace, name }: PodOrder): Promise<boolean> =>
  await kubectl(['-n', namespace, 'get', 'pod', name, '-o', 'jsonpath={.metadata.annotations.autoshield\\.dev/status}']) !== ''
