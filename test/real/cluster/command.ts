import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/** Runs a program to its end and resolves to what it printed. Rejects with its own words when it fails. */
export async function command (program: string, args: readonly string[], options: { stdin?: string, cwd?: string, signal?: AbortSignal } = {}): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], ...(options.cwd === undefined ? {} : { cwd: options.cwd }), ...(options.signal === undefined ? {} : { signal: options.signal }) })
  child.stdin.on('error', () => undefined) // it may end without having read its input
  child.stdin.end(options.stdin ?? '')
  const [stdout, stderr, [status, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number | null, string | null]>])
  if (status !== 0) throw new Error(`'${[program, ...args].join(' ').slice(0, 300)}' ended with ${String(status ?? signal)}: ${stderr.trim() || stdout.trim()}`)
  return stdout
}
