import { spawnSync } from 'node:child_process'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCapture } from '../../sidecar/capture/open-capture.ts'
import { WindowExtractor } from '../../src/core/window/window-extractor.ts'
import type { Figure } from './figure.ts'
import { mixedTraffic } from './mixed-traffic.ts'

const PACKETS = 2_000_000
const SNAP_BYTES = 96
const PACKETS_PER_SECOND = 20_000
const START_SECONDS = 1_760_000_000
const RUNS = 3

/** Parsing, flow table and all windows of one capture, beside tshark's conversation statistics of the same file. */
export async function pipelineFigures (): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-bench-'))
  try {
    const path = join(folder, 'mixed.pcap')
    await writeCapture(path)
    let best = 0
    for (let run = 0; run < RUNS; run++) best = Math.max(best, await packetsPerSecond(path))
    const tshark = tsharkPacketsPerSecond(path)
    return [{
      name: 'pipeline.packets_per_s',
      value: Math.round(best),
      unit: 'packets/s',
      beside: { name: 'tshark conversation statistics', value: Math.round(tshark) },
      ratio: best / tshark,
    }]
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function writeCapture (path: string): Promise<void> {
  const file = await open(path, 'w')
  const traffic = mixedTraffic(1)
  const buffer = Buffer.alloc(1 << 20)
  let at = buffer.write('d4c3b2a1020004000000000000000000ffff000001000000', 'hex')
  for (let packet = 0; packet < PACKETS; packet++) {
    const frame = traffic.next().value
    const captured = Math.min(frame.length, SNAP_BYTES)
    if (at + 16 + captured > buffer.length) {
      await file.write(buffer, 0, at)
      at = 0
    }
    buffer.writeUInt32LE(START_SECONDS + Math.floor(packet / PACKETS_PER_SECOND), at)
    buffer.writeUInt32LE((packet % PACKETS_PER_SECOND) * (1e6 / PACKETS_PER_SECOND), at + 4)
    buffer.writeUInt32LE(captured, at + 8)
    buffer.writeUInt32LE(frame.length, at + 12)
    buffer.set(frame.subarray(0, captured), at + 16)
    at += 16 + captured
  }
  await file.write(buffer, 0, at)
  await file.close()
}

async function packetsPerSecond (path: string): Promise<number> {
  const begin = performance.now()
  const extractor = new WindowExtractor({ ownAddresses: null })
  let windows = 0
  for await (const chunk of openCapture(path)) {
    extractor.push(chunk)
    windows += extractor.take().length
  }
  windows += extractor.flush().length
  const seconds = (performance.now() - begin) / 1e3
  const { packets, counted } = extractor.stats
  if (packets !== PACKETS || counted !== PACKETS || windows === 0) throw new Error(`the pipeline saw ${packets} packets, counted ${counted} and made ${windows} windows of ${PACKETS} packets`)
  return packets / seconds
}

function tsharkPacketsPerSecond (path: string): number {
  const begin = performance.now()
  const { status, stderr } = spawnSync('tshark', ['-n', '-q', '-r', path, '-z', 'conv,ip', '-z', 'conv,ipv6', '-z', 'conv,tcp', '-z', 'conv,udp'], { encoding: 'utf8', maxBuffer: 1 << 28 })
  if (status !== 0) throw new Error(`tshark did not read ${path}: ${stderr}`)
  return PACKETS / ((performance.now() - begin) / 1e3)
}
