import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { AutoshieldError } from '../../src/core/errors.ts'
import { parseCounters, type KernelCounters } from './kernel-counters.ts'
import { parseSocket, type SocketReport } from './socket-report.ts'

/** TCP and UDP, numeric, timers and cookies, kernel counters, one line a socket without a heading. */
const FORMAT = '-tunieoHO'
/** A snapshot is 300 bytes a socket: more sockets than this are not read. */
const MAX_SNAPSHOT_BYTES = 32 * 2 ** 20
const SNAPSHOT_MS = 5_000
/** A busy client has 60 s worth of ended connections in TIME-WAIT; so many cost a look 4 ms. */
const MAX_TIME_WAIT = 2_048

type Child = ChildProcessByStdio<null, Readable, Readable>

/** Every socket of the network namespace now; those in TIME-WAIT only if they are few. Throws UNAVAILABLE. */
export async function snapshot (signal: AbortSignal): Promise<{ readonly sockets: readonly SocketReport[], readonly hasTimeWait: boolean }> {
  const hasTimeWait = await timeWaiting() <= MAX_TIME_WAIT
  const child = start('ss', [FORMAT, ...(hasTimeWait ? ['-a'] : ['state', 'all', 'exclude', 'time-wait'])])
  const stop = (): void => { child.kill() }
  const timer = setTimeout(stop, SNAPSHOT_MS)
  signal.addEventListener('abort', stop)
  try {
    const [text] = await Promise.all([read(child.stdout), exitOf(child)])
    return { sockets: text.split('\n').map(parseSocket).filter((socket) => socket !== null), hasTimeWait }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

/**
 * Sockets as they end, until the signal aborts: the kernel tells every process of the namespace, without privilege
 * (sock_diag(7), SKNLGRP_INET_TCP_DESTROY). Rejects with UNAVAILABLE where ss ends by itself.
 */
export async function followEnds (signal: AbortSignal, take: (socket: SocketReport) => void): Promise<void> {
  // ss fills a pipe 4 KiB at a time: the end of a quiet pod's connection would be heard minutes late.
  const child = start('stdbuf', ['-oL', 'ss', '-E', FORMAT])
  const stop = (): void => { child.kill() }
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    const exited = exitOf(child)
    exited.catch(() => undefined) // awaited below
    for await (const line of createInterface({ input: child.stdout })) {
      const socket = parseSocket(line)
      if (socket !== null) take(socket)
    }
    await exited
    if (!signal.aborted) throw new AutoshieldError('UNAVAILABLE', 'ss stopped telling which sockets end; it is started again.')
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    stop()
    signal.removeEventListener('abort', stop)
  }
}

/** The namespace's counters. Throws UNAVAILABLE. */
export async function readCounters (): Promise<KernelCounters> {
  try {
    const files = await Promise.all(['/proc/net/snmp', '/proc/net/netstat'].map((file) => readFile(file, 'utf8')))
    return parseCounters(files.join(''))
  } catch (cause) {
    throw new AutoshieldError('UNAVAILABLE', `the kernel's counters cannot be read (${AutoshieldError.from(cause).message}); /proc/net must be there.`, { cause })
  }
}

async function timeWaiting (): Promise<number> {
  const text = await readFile('/proc/net/sockstat', 'utf8').catch(() => '')
  return Number(/^TCP: .*\btw (\d+)/m.exec(text)?.[1] ?? 0)
}

const start = (program: string, argv: readonly string[]): Child => spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'] })

async function read (stream: Readable): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of stream as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes <= MAX_SNAPSHOT_BYTES) parts.push(part)
  }
  return Buffer.concat(parts).toString('latin1')
}

/** Rejects with UNAVAILABLE where it could not be started, or failed. */
async function exitOf (child: Child): Promise<void> {
  const said = read(child.stderr)
  const [code] = await once(child, 'close').catch((cause: unknown) => {
    throw new AutoshieldError('UNAVAILABLE', 'ss is not installed, and the sockdiag source needs it; install the package iproute2 (and coreutils).', { cause })
  }) as [number | null]
  if (code !== 0 && code !== null) throw new AutoshieldError('UNAVAILABLE', `ss cannot read the kernel's sockets (${(await said).trim()}).`)
}
