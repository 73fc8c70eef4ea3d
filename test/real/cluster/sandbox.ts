import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { command } from './command.ts'

const POLL_MS = 20

/** One process, known by more than its number, which the kernel gives to another one day. */
export interface ProcessIdentity { readonly pid: number, readonly startedAt: string }

/** Seconds since boot at which a living process began (proc(5), field 22 of `stat`), or undefined: a zombie is not alive. */
export function processStart (pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined // no such process
  }
}

export function isAlive ({ pid, startedAt }: ProcessIdentity): boolean {
  return processStart(pid) === startedAt
}

/**
 * Lays this process's root over that of its mount namespace. setns(2) goes to the namespace's root: from a chroot, `nsenter` and
 * `kubectl exec` would else come out on the machine that the chroot is on. A static program, started by a path from the old root, does
 * it: once nsenter has left the chroot, nothing of it is found by name.
 */
const BECOME_ROOT = 'busybox=$(readlink -f "$(command -v busybox)"); nsenter --mount=/proc/self/ns/mnt --wd=/ ".$busybox" mount -o rbind . /;'

/**
 * What a cluster is made inside: a PID, a mount and a network namespace of its own. Its processes, mounts, links and pods are invisible
 * to the machine, need no names of their own, and all end with the namespace's first process, whatever killed that.
 */
export class Sandbox {
  readonly keeper: ProcessIdentity
  readonly #logs: string
  readonly #failed: AbortController

  private constructor (keeper: ProcessIdentity, logs: string, failed = new AbortController()) {
    this.keeper = keeper
    this.#logs = logs
    this.#failed = failed
  }

  /**
   * @param pause the first process's program
   * @param prepare shell commands that run in the namespaces before anything else, with `$FOLDER` set
   * @param lasting false: the namespaces end when this process ends, even by SIGKILL (the first process reads a pipe that only this one holds)
   */
  static async start ({ folder, logs, pause, prepare, lasting }: { folder: string, logs: string, pause: string, prepare: string, lasting: boolean }): Promise<Sandbox> {
    const script = `set -e; FOLDER=$1; ${prepare}\necho ready; exec "$2"`
    const enterRoot = `${BECOME_ROOT} exec nsenter --mount=/proc/self/ns/mnt sh -c "$0" sandbox "$@"`
    const said = openSync(join(logs, 'sandbox.log'), 'a')
    const child = spawn('unshare', ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private', 'sh', '-ec', enterRoot, script, folder, pause],
      { stdio: [lasting ? 'ignore' : 'pipe', 'pipe', said], detached: true })
    closeSync(said)
    const ready = child.stdout === null ? [] : await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
    const startedAt = child.pid === undefined ? undefined : processStart(child.pid)
    if (!String(ready[0]).startsWith('ready') || child.pid === undefined || startedAt === undefined) {
      throw new Error(`the cluster's namespaces could not be made: ${readFileSync(join(logs, 'sandbox.log'), 'utf8').trim()}`)
    }
    child.stdout?.destroy()
    release(child)
    return new Sandbox({ pid: child.pid, startedAt }, logs)
  }

  /** The sandbox of a cluster that runs already. */
  static of (keeper: ProcessIdentity, logs: string): Sandbox { return new Sandbox(keeper, logs) }

  /**
   * A network and a mount namespace beside this one's own, for another machine of the same cluster: its processes count among this
   * one's, and end with them.
   */
  async beside ({ folder, logs, pause, prepare }: { folder: string, logs: string, pause: string, prepare: string }): Promise<Sandbox> {
    const script = `FOLDER=$1; ${prepare}\necho ready; exec "$2"`
    const said = openSync(join(logs, 'sandbox.log'), 'a')
    const [enter, ...rest] = this.entry
    const child = spawn(enter, [...rest, 'unshare', '--net', '--mount', '--propagation', 'private', 'sh', '-ec', script, 'beside', folder, pause], { stdio: ['ignore', 'pipe', said], detached: true })
    closeSync(said)
    const ready = child.stdout === null ? [] : await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
    const pid = String(ready[0]).startsWith('ready') ? firstChild(child.pid ?? 0) : 0 // nsenter waits for the one that it put inside
    const startedAt = processStart(pid)
    if (startedAt === undefined) throw new Error(`another node's namespaces could not be made: ${readFileSync(join(logs, 'sandbox.log'), 'utf8').trim()}`)
    child.stdout?.destroy()
    release(child)
    return new Sandbox({ pid, startedAt }, logs, this.#failed)
  }

  /** The words that put before a command run it inside. */
  get entry (): readonly [string, ...string[]] {
    const { pid } = this.keeper
    return ['nsenter', `--net=/proc/${pid}/ns/net`, `--mount=/proc/${pid}/ns/mnt`, `--pid=/proc/${pid}/ns/pid_for_children`, '--']
  }

  /** Where a file of inside is for the machine. */
  path (inside: string): string {
    const { pid } = this.keeper
    // The keeper of `start` itself has the root from before BECOME_ROOT; that of `beside` has no child.
    return `/proc/${firstChild(pid) || pid}/root${inside}`
  }

  /** Aborted, with the last words of the log as reason, when a process of `launch` ends by itself. */
  get failed (): AbortSignal { return this.#failed.signal }

  /** Runs a command inside to its end. */
  run (program: string, ...args: readonly string[]): Promise<string> {
    const [enter, ...rest] = this.entry
    return command(enter, [...rest, program, ...args])
  }

  /** Starts a process that is meant to run as long as the cluster; what it says goes to `NAME.log`. */
  launch (name: string, program: string, ...args: readonly string[]): void {
    const path = join(this.#logs, `${name}.log`)
    const log = openSync(path, 'a')
    const [enter, ...rest] = this.entry
    const child = spawn(enter, [...rest, program, ...args], { stdio: ['ignore', log, log], detached: true })
    closeSync(log)
    child.once('error', (error) => this.#failed.abort(error))
    child.once('exit', (status, signal) => {
      if (this.#failed.signal.aborted) return
      this.#failed.abort(new Error(`${name} ended with ${String(status ?? signal)}; all it said is in ${path}, the last of it:\n${lastWords(path)}`))
    })
    release(child)
  }

  /** Makes `failed` say so to all that wait for something inside. Ends nothing. */
  giveUp (reason: unknown): void { this.#failed.abort(reason) }
}

function lastWords (path: string): string {
  // Ended because the cluster was stopped, its log may be gone already.
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').slice(-5).join('\n') : ''
}

/** Lets this process end while the child runs on. */
function release (child: ChildProcess): void {
  child.unref()
  if (child.stdin instanceof Socket) child.stdin.unref() // an open pipe to a child would keep the event loop alive
}

/** 0 where it has none. */
const firstChild = (pid: number): number => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())

/**
 * Ends every process of a keeper's namespaces, and waits for it. Its child is their first process: the kernel kills the others when that
 * dies, and lets the keeper see its end only after theirs.
 */
export async function endNamespaces (keeper: ProcessIdentity): Promise<void> {
  while (isAlive(keeper)) {
    const first = firstChild(keeper.pid)
    try {
      process.kill(first === 0 ? keeper.pid : first, 'SIGKILL')
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
    await delay(POLL_MS)
  }
}
