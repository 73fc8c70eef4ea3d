import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { arrivals, between, pause } from './pace.ts'
import type { Pace } from './pace.ts'

/** A steady flow of datagrams (a call: both ways; telemetry: one way; a peer that is gone: nothing comes back, or ICMP). */
export interface DatagramJob { kind: 'datagrams', host: string, port: number, rate: number, bytes: readonly [number, number], replyBytes: number, steady: boolean, socketEveryMs?: number }
/** Bursts of full datagrams with silence between them, as QUIC carries pages. */
export interface BurstJob { kind: 'bursts', host: string, port: number, rate: number, packets: readonly [number, number], replyBytes: number }
/** `freshLabels`: how many labels of chance, each of `labelCharacters`, stand before the name, as content networks and block lists have them. */
export interface NamesJob { kind: 'names', server: string, names: string[], rate: number, freshLabels: number, labelCharacters: number }

function datagram (bytes: number, replyBytes: number): Buffer {
  const buffer = Buffer.alloc(Math.max(2, bytes))
  buffer.writeUInt16BE(replyBytes, 0)
  return buffer
}

function socketTo () {
  const socket = createSocket('udp4')
  socket.on('error', () => undefined) // the peer is gone: that is the load
  return socket
}

export async function datagrams (job: DatagramJob, pace: Pace): Promise<void> {
  let socket = socketTo()
  let opened = performance.now()
  const send = async () => {
    if (job.socketEveryMs !== undefined && performance.now() - opened > job.socketEveryMs) {
      socket.close()
      socket = socketTo()
      opened = performance.now()
    }
    socket.send(datagram(between(pace, job.bytes), job.replyBytes), job.port, job.host)
  }
  if (job.steady) do { await send() } while (await pause(1000 / job.rate, pace.signal))
  else await arrivals(job.rate, pace, send)
  socket.close()
}

export async function bursts (job: BurstJob, pace: Pace): Promise<void> {
  const socket = socketTo()
  await arrivals(job.rate, pace, async () => {
    const packets = between(pace, job.packets)
    for (let i = 0; i < packets; i++) socket.send(datagram(i === 0 ? 1250 : 60, job.replyBytes), job.port, job.host)
  })
  socket.close()
}

export async function names (job: NamesJob, pace: Pace): Promise<void> {
  const resolver = new Resolver({ timeout: 1000, tries: 1 })
  resolver.setServers([job.server])
  let next = 0
  await arrivals(job.rate, pace, () => {
    const name = job.names[next++ % job.names.length] ?? ''
    return resolver.resolve4([...Array.from({ length: job.freshLabels }, () => label(pace, job.labelCharacters)), name].join('.'))
  })
  resolver.cancel()
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const label = ({ random }: Pace, characters: number): string => Array.from({ length: characters }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join('')
