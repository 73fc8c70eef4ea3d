import { open, type FileHandle } from 'node:fs/promises'
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib'
import type { PacketChunk } from '../../src/core/flow/packet-chunk.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import { newStats, type Capture, type CaptureStats } from './capture.ts'
import { CaptureParser } from './capture-parser.ts'

/** Bytes a read: large enough that the reads cost nothing beside the packets, small enough to stay in the processor's cache. */
const BLOCK_BYTES = 512 * 1024

export interface CaptureOptions {
  readonly signal?: AbortSignal
}

/**
 * Reads a capture file: pcap or pcapng, plain or packed with zstd or gzip, whatever its name. Memory stays bounded however long it is.
 * The file is opened when the iteration begins. It rejects with NOT_FOUND, BAD_DATA or UNAVAILABLE where nothing can be read;
 * a file that is cut or damaged further on gives the packets before and says so in `stats.cut`.
 */
export function openCapture (path: string, options: CaptureOptions = {}): Capture {
  const stats = newStats()
  return { stats, [Symbol.asyncIterator]: () => packets(path, stats, options.signal) }
}

async function * packets (path: string, stats: CaptureStats, signal: AbortSignal | undefined): AsyncGenerator<PacketChunk, void, undefined> {
  const file = await openFile(path)
  const parser = new CaptureParser(path, stats)
  try {
    stats.totalBytes = (await file.stat()).size
    for await (const bytes of unpacked(blocks(file, stats, signal))) yield * parser.push(bytes)
    parser.end()
  } catch (error) {
    const damage = compressionDamage(error)
    if (damage === null) throw error
    parser.breakOff(damage)
  } finally {
    await file.close()
  }
}

/** The file's bytes in two buffers by turns: while one is worked on, the other is filled. */
async function * blocks (file: FileHandle, stats: CaptureStats, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  const buffers = [Buffer.allocUnsafe(BLOCK_BYTES), Buffer.allocUnsafe(BLOCK_BYTES)] as const
  let pending = file.read(buffers[0], 0, BLOCK_BYTES)
  try {
    for (let turn = 0; ; turn ^= 1) {
      const { bytesRead, buffer } = await pending
      if (bytesRead === 0) return
      pending = file.read(buffers[turn === 0 ? 1 : 0], 0, BLOCK_BYTES)
      stats.bytesRead += bytesRead
      signal?.throwIfAborted()
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await pending.catch(() => undefined) // the file must not be closed under a read; what the read found no longer matters
  }
}

/** Unpacks by the first bytes, not by the name. */
async function * unpacked (source: AsyncGenerator<Uint8Array, void, undefined>): AsyncGenerator<Uint8Array, void, undefined> {
  const first = await source.next()
  if (first.done === true) return
  const all = prepend(first.value, source)
  const [a, b, c, d] = first.value
  if (a === 0x1f && b === 0x8b) yield * through(all, createGunzip({ chunkSize: BLOCK_BYTES }), { rest: null })
  else if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) yield * zstdFrames(all)
  else yield * all
}

/** What an unpacker left of the block in which it ended. */
interface Remainder { rest: Uint8Array | null }

/** A zstd file may be several frames in a row, and Node's unpacker ends after one where another follows in the same block. */
async function * zstdFrames (source: AsyncGenerator<Uint8Array, void, undefined>): AsyncGenerator<Uint8Array, void, undefined> {
  for (let rest: Uint8Array | null = new Uint8Array(); rest !== null;) {
    const remainder: Remainder = { rest: null }
    yield * through(prepend(rest, source), createZstdDecompress({ chunkSize: BLOCK_BYTES }), remainder)
    rest = remainder.rest
  }
}

/** A consumer that is slow makes the unpacking wait, so that a small file that unpacks to a huge one fills no memory. */
async function * through (source: AsyncGenerator<Uint8Array, void, undefined>, unpacker: Gunzip | ZstdDecompress, remainder: Remainder): AsyncGenerator<Uint8Array, void, undefined> {
  const fed = feed(source, unpacker, remainder).catch((error: unknown) => { unpacker.destroy(error instanceof Error ? error : new Error(String(error))) })
  for await (const bytes of unpacker as AsyncIterable<Buffer>) yield bytes
  await fed
}

async function feed (source: AsyncGenerator<Uint8Array, void, undefined>, unpacker: Gunzip | ZstdDecompress, remainder: Remainder): Promise<void> {
  for (;;) {
    const next = await source.next()
    if (next.done === true) break
    const block = Buffer.from(next.value) // the unpacker works on it while the block's buffer is filled anew
    const before = unpacker.bytesWritten
    await new Promise<void>((resolve, reject) => {
      unpacker.write(block, (error) => { if (error) reject(error); else resolve() })
    })
    const taken = unpacker.bytesWritten - before
    if (taken < block.length) {
      remainder.rest = block.subarray(taken)
      return
    }
  }
  unpacker.end()
}

async function * prepend (first: Uint8Array, rest: AsyncGenerator<Uint8Array, void, undefined>): AsyncGenerator<Uint8Array, void, undefined> {
  yield first
  yield * rest
}

function compressionDamage (error: unknown): string | null {
  const code = codeOf(error)
  if (code === 'Z_BUF_ERROR') return 'is cut inside its compressed data'
  return code.startsWith('Z_') || code.startsWith('ZSTD_') ? 'is damaged inside its compressed data' : null
}

async function openFile (path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'r')
    if ((await file.stat()).isDirectory()) {
      await file.close()
      throw new AutoshieldError('BAD_DATA', `${path} is a folder; name the capture files inside it.`)
    }
    return file
  } catch (error) {
    if (error instanceof AutoshieldError) throw error
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') {
      throw new AutoshieldError('NOT_FOUND', `There is no file ${path}; check the path of the capture.`, { cause: error })
    }
    throw new AutoshieldError('UNAVAILABLE', `${path} cannot be opened (${codeOf(error)}); check its permissions.`, { cause: error })
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
