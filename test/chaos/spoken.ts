import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Pod } from '../lab/pod.ts'
import { NODE } from '../program.ts'

/** Runs a program of this folder in a pod's network until it is disposed; `take` gets each line that it prints. */
export function speaking (pod: Pod, file: 'traffic-process.ts' | 'orders-process.ts', task: object, take: (line: string) => void): AsyncDisposable {
  const program = fileURLToPath(new URL(file, import.meta.url))
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'nsenter', `--net=/proc/${pod.pid}/ns/net`, NODE, program, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  createInterface(child.stdout).on('line', take)
  return {
    async [Symbol.asyncDispose] () {
      child.kill('SIGKILL')
      await ended
    },
  }
}
