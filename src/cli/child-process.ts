import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { backoffMs } from '../core/backoff.ts'

export interface ChildOptions {
  /** The program and its arguments, asked anew for each start. */
  readonly program: string
  readonly args: () => readonly string[]
  readonly onMessage?: (message: unknown) => void
  /** Told each time it ends before it was asked to; `status` is null where a signal ended it. */
  readonly onEnd: (status: number | null) => 'restart' | 'done'
}

/** Ends the wait for a child that does not stop by itself. */
const KILL_MS = 5_000
const RESTART = { baseMs: 200, maxMs: 10_000 }

/** Runs a process of ours beside this one until the signal aborts. It ends with us: its channel closes. */
export async function runChild (options: ChildOptions, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    const startedMs = performance.now()
    const status = await runOnce(options, signal)
    if (isAborted(signal) || options.onEnd(status) === 'done') return
    if (performance.now() - startedMs > RESTART.maxMs) attempt = 0
    await setTimeout(backoffMs(attempt, Math.random(), RESTART), undefined, { signal }).catch(() => undefined) // aborted: the loop ends
  }
}

/** Asked anew each time: to the compiler a flag that was false stays false. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted

async function runOnce ({ program, args, onMessage }: ChildOptions, signal: AbortSignal): Promise<number | null> {
  const child = fork(program, args(), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] })
  if (onMessage !== undefined) child.on('message', onMessage)
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  let killing: NodeJS.Timeout | undefined
  const stop = (): void => {
    child.kill('SIGTERM')
    killing = globalThis.setTimeout(() => child.kill('SIGKILL'), KILL_MS)
  }
  signal.addEventListener('abort', stop)
  try {
    const [status] = await exited
    return status
  } finally {
    clearTimeout(killing)
    signal.removeEventListener('abort', stop)
  }
}
