import { connect } from 'node:net'
import { arrivals, pause } from './pace.ts'
import type { Pace } from './pace.ts'

/**
 * Connections one after the other at `rate` a second, the targets in turn: discovery, probes, pools that fill, retries to whatever is not
 * there. Each sends `bytes` (0: none), is held for `holdMs` and closed; the next one does not wait for it.
 */
export interface ConnectsJob { kind: 'connects', targets: { host: string, port: number }[], rate: number, bytes: number, holdMs: number, timeoutMs: number }

/** Sockets that a client may have under way: beyond it, it leaves connections out. */
const MOST = 1500

export async function connects (job: ConnectsJob, pace: Pace): Promise<void> {
  let next = 0
  await arrivals(job.rate, pace, () => once(job, job.targets[next++ % job.targets.length] ?? { host: '127.0.0.1', port: 9 }, pace), MOST)
}

function once ({ bytes, holdMs, timeoutMs }: ConnectsJob, { host, port }: { host: string, port: number }, { signal }: Pace): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true })
    const timer = setTimeout(() => { socket.destroy() }, timeoutMs)
    socket.on('error', () => undefined).on('close', () => { clearTimeout(timer); resolve() }).resume() // to be refused is part of the load
    socket.once('connect', () => {
      clearTimeout(timer)
      if (bytes > 0) socket.write(Buffer.alloc(bytes))
      pause(holdMs, signal).then(() => { socket.end(() => { socket.destroy() }) }, () => undefined)
    })
  })
}
