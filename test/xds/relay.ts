import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import type { Pod } from '../lab/pod.ts'

/**
 * A pod's network leads nowhere but to other pods, so it reaches a server on this machine's loopback through a Unix socket:
 * `inside` is the port on the pod's own loopback. The server need not be there. It leads there for `timeoutMs` at most.
 */
export async function relay (pod: Pod, inside: number, port: () => number, timeoutMs = 120_000): Promise<AsyncDisposable> {
  const socket = join(pod.folder, `relay-${inside}.sock`)
  const server = createServer((near) => {
    const far = connect(port(), '127.0.0.1')
    for (const [one, other] of [[near, far], [far, near]] as const) one.on('error', () => other.destroy()).on('close', () => other.destroy()).pipe(other)
  }).listen(socket)
  await once(server, 'listening')
  const ear = pod.spawnInNetwork(['socat', `TCP-LISTEN:${inside},bind=127.0.0.1,fork,reuseaddr`, `UNIX-CONNECT:${socket}`], { timeoutMs })
  await pod.listening(inside)
  return {
    [Symbol.asyncDispose]: async () => {
      await ear.stop('SIGKILL', 0)
      server.close()
    },
  }
}
