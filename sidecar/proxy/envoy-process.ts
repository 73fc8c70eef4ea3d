import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Backoff, backoffMs } from '../../src/core/backoff.ts'
import { wait } from '../../src/wire/wait.ts'

export interface ProxyUser {
  readonly uid: number
  readonly gid: number
}

export interface EnvoyProcessOptions {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]]
  /** The user and group that it runs as, with no capability but NET_RAW where `netRaw`; null for this process's own. */
  readonly runAs: ProxyUser | null
  /** To connect from addresses that are not the pod's; this process must have the capability itself. */
  readonly netRaw: boolean
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly backoff?: Backoff
  /** Of a process that becomes Envoy. */
  readonly onStart: (pid: number) => void
  /** It has ended unasked, and is started again after `retryMs`. */
  readonly onEnd: (how: string, retryMs: number) => void
}

const BACKOFF: Backoff = { baseMs: 200, maxMs: 10_000 }
/** What has run so long was no failed start. */
const SOUND_MS = 30_000
const KILL_MS = 5_000

const isLive = (signal: AbortSignal): boolean => !signal.aborted

/** Keeps one Envoy running until the signal aborts; resolves when it is gone. */
export async function keepEnvoy (options: EnvoyProcessOptions, signal: AbortSignal): Promise<void> {
  const { random, backoff = BACKOFF, onEnd } = options
  for (let attempt = 0; isLive(signal); attempt++) {
    const startedMs = performance.now()
    const how = await runOnce(options, signal)
    if (!isLive(signal)) return
    if (performance.now() - startedMs > SOUND_MS) attempt = 0
    const retryMs = backoffMs(attempt, random(), backoff)
    onEnd(how, retryMs)
    await wait(retryMs, signal)
  }
}

async function runOnce ({ command, runAs, netRaw, onStart }: EnvoyProcessOptions, signal: AbortSignal): Promise<string> {
  // Envoy dies with us, however we end: a proxy that nobody keeps would hold ports that the next one needs.
  const user = runAs === null ? [] : ['--reuid', String(runAs.uid), '--regid', String(runAs.gid), '--clear-groups', ...netRaw ? ['--inh-caps=-all,+net_raw', '--ambient-caps=-all,+net_raw'] : ['--inh-caps=-all']]
  const envoy = spawn('setpriv', ['--pdeathsig', 'KILL', '--no-new-privs', ...user, ...command], { stdio: ['ignore', 'inherit', 'inherit'] })
  const ended = endOf(envoy)
  let killing: NodeJS.Timeout | undefined
  const stop = (): void => {
    envoy.kill('SIGTERM')
    killing = setTimeout(() => envoy.kill('SIGKILL'), KILL_MS)
  }
  signal.addEventListener('abort', stop, { once: true })
  if (envoy.pid !== undefined) onStart(envoy.pid)
  try {
    return await ended
  } finally {
    clearTimeout(killing)
    signal.removeEventListener('abort', stop)
  }
}

async function endOf (envoy: ChildProcess): Promise<string> {
  try {
    const [status, ending] = await once(envoy, 'exit') as [number | null, NodeJS.Signals | null]
    return ending === null ? `with status ${status ?? 0}` : `by ${ending}`
  } catch (error) {
    return `before it began (${error instanceof Error ? error.message : String(error)})`
  }
}
