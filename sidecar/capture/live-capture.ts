import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { PacketChunk } from '../../src/core/flow/packet-chunk.ts'
import { newStats, type Capture, type CaptureStats } from './capture.ts'
import { CaptureParser } from './capture-parser.ts'

/** Room for Ethernet, two VLAN tags, IPv6 and the fixed part of TCP. */
const SNAP_BYTES = 96

export interface LiveOptions {
  /** A network interface's name; 'any' for all, which also tells each packet's direction. */
  readonly interfaceName: string
  /** A pcap filter expression; nothing for all packets. */
  readonly filter?: string
  /** Ends the capture. */
  readonly signal: AbortSignal
  /** In place of the tcpdump on the path. */
  readonly program?: string
}

export interface LiveCapture extends Capture {
  /** The capture begins with the iteration. Resolves when packets are being captured; rejects as the iteration does where they cannot be. */
  readonly ready: Promise<void>
}

type Tcpdump = ChildProcessByStdio<null, Readable, Readable>

/**
 * Captures packet headers from an interface through tcpdump: Node has no packet sockets. A consumer that is too slow makes
 * the kernel drop packets, never this process grow; `stats.dropped` counts them as tcpdump reports them, at the latest at its end.
 * The iteration ends when `signal` is aborted and rejects with UNAVAILABLE where capturing is not possible or breaks off.
 */
export function openLive (options: LiveOptions): LiveCapture {
  const stats = newStats()
  const listening = Promise.withResolvers<undefined>()
  listening.promise.catch(() => undefined) // whoever iterates hears the same error
  return {
    stats,
    ready: listening.promise,
    [Symbol.asyncIterator]: () => packets(options, stats, listening),
  }
}

async function * packets (options: LiveOptions, stats: CaptureStats, listening: PromiseWithResolvers<undefined>): AsyncGenerator<PacketChunk, void, undefined> {
  const child = start(options, await mayChangeUser())
  const exited = exitOf(child)
  const stop = (): void => { child.kill('SIGTERM') }
  options.signal.addEventListener('abort', stop)
  if (options.signal.aborted) stop()
  const words = listen(child, stats, () => listening.resolve(undefined))
  const parser = new CaptureParser(`the capture on ${options.interfaceName}`, stats)
  try {
    for await (const bytes of child.stdout as AsyncIterable<Buffer>) {
      stats.bytesRead += bytes.length
      yield * parser.push(bytes)
    }
    const failure = await exited
    const last = await words
    if (!options.signal.aborted) throw ended(options, failure, last)
  } catch (error) {
    listening.reject(error)
    throw error
  } finally {
    stop()
    await exited
    options.signal.removeEventListener('abort', stop)
  }
}

/** CAP_SETUID's bit (include/uapi/linux/capability.h). */
const SETUID = 1n << 7n

/** tcpdump as root becomes the user tcpdump once it captures, and gives up where it may not; `-Z root` keeps it as it is. */
async function mayChangeUser (): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1]
  return effective === undefined || (BigInt(`0x${effective}`) & SETUID) !== 0n
}

function start ({ interfaceName, filter, program = 'tcpdump' }: LiveOptions, changesUser: boolean): Tcpdump {
  const flags = [...(changesUser ? [] : ['-Z', 'root']), '-i', interfaceName, '-n', '-U', '--immediate-mode', '-s', String(SNAP_BYTES), '--time-stamp-precision=nano', '-w', '-']
  // The expression is one argument, after `--`, so that none of it can be taken for a flag.
  return spawn(program, filter === undefined ? flags : [...flags, '--', filter], { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Resolves to why it could not run, or null when it ran and ended. */
async function exitOf (child: Tcpdump): Promise<Error | null> {
  try {
    await once(child, 'close')
    return null
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Reads what tcpdump says; resolves to its last words that are not its counts. */
async function listen (child: Tcpdump, stats: CaptureStats, onListening: () => void): Promise<string> {
  let last = ''
  for await (const line of createInterface({ input: child.stderr })) {
    const dropped = /(\d+) packets? dropped by (?:kernel|interface)/.exec(line)?.[1]
    if (dropped !== undefined) stats.dropped = Math.max(stats.dropped, Number(dropped))
    else if (/listening on /.test(line)) onListening()
    else if (!/^\d+ packets? /.test(line)) last = line
  }
  return last
}

function ended ({ interfaceName, program = 'tcpdump' }: LiveOptions, failure: Error | null, last: string): AutoshieldError {
  if (failure !== null && 'code' in failure && failure.code === 'ENOENT') {
    return new AutoshieldError('UNAVAILABLE', `${program} is not installed, and the packet source needs it; install the package tcpdump, or use another source.`, { cause: failure })
  }
  const words = failure?.message ?? last
  const mend = /change to/.test(words)
    ? 'as root it needs the capability SETGID beside NET_RAW'
    : /permission|not permitted|privilege/i.test(words)
      ? 'capturing needs the capability NET_RAW'
      : 'check the name of the interface and the filter'
  return new AutoshieldError('UNAVAILABLE', `tcpdump cannot capture on ${interfaceName} (${words.trim()}); ${mend}.`, { cause: failure ?? undefined })
}
