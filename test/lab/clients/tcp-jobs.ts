import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { REQUEST_HEADER_BYTES } from '../servers/app.ts'
import { arrivals, between, pause } from './pace.ts'
import type { Pace } from './pace.ts'

type Range = readonly [number, number]

/** Requests and answers of drawn sizes to a responder (see `servers/app.ts`) on whatever port. */
export interface RpcJob { kind: 'rpc', host: string, port: number, connections: number, rate: number, requestBytes: Range, responseBytes: Range, requestsPerConnection: number }
/** Connects and leaves: probes, and retries to what is dead or unreachable. `everyMs` grows by `backoff` after each failure. */
export interface ProbeJob { kind: 'probe', targets: { host: string, port: number }[], everyMs: number, backoff: number, timeoutMs: number }
/** Many connections at one moment to all that a service needs, as after a restart. */
export interface StormJob { kind: 'storm', targets: { host: string, port: number }[], connections: number, everyMs: number }
/** Connections that say little for long. */
export interface IdleJob { kind: 'idle', host: string, port: number, connections: number, everyMs: number }
export interface RedisJob { kind: 'redis', host: string, password: string, connections: number, rate: number, valueBytes: number }

function message (requestBytes: number, responseBytes: number): Buffer {
  const buffer = Buffer.alloc(REQUEST_HEADER_BYTES + requestBytes)
  buffer.writeUInt32BE(requestBytes, 0)
  buffer.writeUInt32BE(responseBytes, 4)
  return buffer
}

function open (host: string, port: number, timeoutMs = 5000): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
    const timer = setTimeout(() => { socket.destroy(new Error('timeout')) }, timeoutMs)
    socket.once('connect', () => { clearTimeout(timer); resolve(socket) })
    socket.on('error', (error) => { clearTimeout(timer); reject(error) })
    socket.on('close', () => { clearTimeout(timer) })
    socket.resume()
  })
}

export async function rpc (job: RpcJob, pace: Pace): Promise<void> {
  const pool = new Map<number, { socket: Socket, left: number }>()
  let next = 0
  await arrivals(job.rate, pace, async () => {
    const slot = next++ % job.connections
    let entry = pool.get(slot)
    if (!entry || entry.socket.destroyed) {
      entry = { socket: await open(job.host, job.port), left: job.requestsPerConnection }
      pool.set(slot, entry)
    }
    entry.socket.write(message(between(pace, job.requestBytes), between(pace, job.responseBytes)))
    if (--entry.left <= 0) { entry.socket.end(); pool.delete(slot) }
  }, job.connections)
  for (const { socket } of pool.values()) socket.destroy()
}

export async function probe (job: ProbeJob, pace: Pace): Promise<void> {
  await Promise.all(job.targets.map(async ({ host, port }) => {
    let waitMs = job.everyMs
    if (!await pause(pace.random() * job.everyMs, pace.signal)) return
    do {
      await open(host, port, job.timeoutMs).then((socket) => { socket.end(); waitMs = job.everyMs }, () => { waitMs = Math.min(waitMs * job.backoff, 30_000) })
    } while (await pause(waitMs * (0.9 + pace.random() / 5), pace.signal))
  }))
}

export async function storm (job: StormJob, pace: Pace): Promise<void> {
  // The first one comes early, so that a short run has one, and at one moment for all who wait for it.
  for (let waitMs = job.everyMs / 3; await pause(waitMs, pace.signal); waitMs = job.everyMs) {
    await Promise.allSettled(job.targets.flatMap(({ host, port }) => Array.from({ length: job.connections }, async () => {
      const socket = await open(host, port)
      await pause(50 + pace.random() * 3000, pace.signal)
      socket.destroy()
    })))
  }
}

export async function idle (job: IdleJob, pace: Pace): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: job.connections }, () => open(job.host, job.port).catch(() => null)))
  while (await pause(job.everyMs, pace.signal)) sockets.forEach((socket) => socket?.write(message(20, 20)))
  sockets.forEach((socket) => socket?.destroy())
}

export async function redis (job: RedisJob, pace: Pace): Promise<void> {
  const command = (...words: string[]) => `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`
  const sockets = await Promise.all(Array.from({ length: job.connections }, () => open(job.host, 6379)))
  sockets.forEach((socket) => socket.write(command('AUTH', job.password)))
  let next = 0
  await arrivals(job.rate, pace, async () => {
    const key = `key:${Math.floor(pace.random() * 500)}`
    sockets[next++ % sockets.length]?.write(pace.random() < 0.25 ? command('SET', key, 'v'.repeat(job.valueBytes)) : command('GET', key))
  })
  sockets.forEach((socket) => socket.destroy())
}
