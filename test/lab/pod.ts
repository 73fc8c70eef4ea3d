import { LabProcess } from './process.ts'
import type { Outcome } from './process.ts'

export interface RunOptions { timeoutMs?: number, input?: string, env?: Record<string, string> }

/**
 * A pod: network, mount, process and host-name namespaces that hang on one process. They have no names anywhere, and when that
 * process ends, by our hand or because we were killed, the kernel ends every process in them and removes the network.
 */
export class Pod {
  readonly name: string
  /** The pod's first address. */
  readonly address: string
  /** Every address that leads to the pod. */
  readonly addresses: readonly string[]
  /** The pod's own files, seen under the same path inside and outside. */
  readonly folder: string
  readonly #home: string
  readonly #holder: LabProcess

  constructor (spec: { name: string, addresses: readonly string[], folder: string, home: string, init: string }) {
    this.name = spec.name
    this.addresses = spec.addresses
    this.address = spec.addresses[0] ?? ''
    this.folder = spec.folder
    this.#home = spec.home
    // setpriv: the holder dies with this process. --kill-child: the pod's first process dies with the holder, and all of the pod with it.
    this.#holder = new LabProcess(['setpriv', '--pdeathsig', 'KILL', 'unshare', '--net', '--mount', '--pid', '--uts', '--fork',
      '--kill-child=KILL', '--mount-proc', '--propagation', 'private', 'bash', '-c', spec.init], { env: this.#environment(), cwd: spec.folder })
  }

  /** The process that holds the namespaces: `/proc/PID/ns/net` is the pod's network. */
  get pid (): number {
    const pid = this.#holder.pid
    if (pid === undefined) throw new Error(`pod ${this.name}: unshare could not be started; it is part of util-linux`)
    return pid
  }

  async ready (): Promise<void> { await this.#holder.saying('pod is ready') }

  #environment (extra: Record<string, string> = {}): NodeJS.ProcessEnv {
    return { HOME: this.#home, PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', ...extra }
  }

  /** Starts a shell command inside the pod; it runs until it ends, is stopped, or its time is up. */
  spawn (command: string, options: RunOptions = {}): LabProcess {
    const { env, ...rest } = options
    return new LabProcess(['nsenter', '--target', String(this.pid), '--net', '--mount', '--root', '--wd', '--uts',
      `--pid=/proc/${this.pid}/ns/pid_for_children`, 'bash', '-c', command], { ...rest, env: this.#environment(env), cwd: this.folder })
  }

  /** Starts a program in the pod's network alone, with the machine's own files and processes (tcpdump, ip, a program under test). */
  spawnInNetwork (argv: readonly string[], options: RunOptions = {}): LabProcess {
    const { env, ...rest } = options
    return new LabProcess(['setpriv', '--pdeathsig', 'KILL', 'nsenter', `--net=/proc/${this.pid}/ns/net`, ...argv],
      { ...rest, env: this.#environment(env), cwd: this.folder })
  }

  /** Runs a shell command inside the pod to its end. A failure is part of the outcome. */
  async run (command: string, options: RunOptions = {}): Promise<Outcome> {
    return await this.spawn(command, { timeoutMs: 30_000, ...options }).done
  }

  /** Runs a shell command that has to succeed. */
  async must (command: string, options: RunOptions = {}): Promise<string> {
    const outcome = await this.run(command, options)
    if (outcome.code !== 0) throw new Error(`pod ${this.name}: '${command.slice(0, 400)}' ended with ${outcome.code}: ${outcome.stderr.trim()}`)
    return outcome.stdout
  }

  /** Resolves when something listens on the TCP port. */
  async listening (port: number, timeoutMs = 20_000): Promise<void> {
    const wait = `for i in $(seq ${Math.ceil(timeoutMs / 100)}); do ss -Hltn "sport = :${port}" | grep -q . && exit 0; sleep 0.1; done; exit 1`
    const outcome = await this.run(wait, { timeoutMs: timeoutMs + 5000 })
    if (outcome.code !== 0) throw new Error(`pod ${this.name}: nothing listens on port ${port} after ${timeoutMs} ms`)
  }

  async end (): Promise<void> { await this.#holder.stop('SIGKILL', 0) }
}
