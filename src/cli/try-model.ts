import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { AutoshieldError } from '../core/errors.ts'

/** A golden vector takes microseconds; this is for a machine under load. */
const DEADLINE_MS = 60_000
const MAX_SAID_BYTES = 65_536

/**
 * Verifies a model in a process of its own, so that one that takes all memory, never ends or breaks the runtime ends nothing else.
 * `args` are the flags of `trustOptions`. Rejects UNTRUSTED with what `autoshield model verify` said.
 */
export async function tryModel (program: string, folder: string, args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [program, 'model', 'verify', folder, ...args], { timeout: DEADLINE_MS, killSignal: 'SIGKILL', maxBuffer: MAX_SAID_BYTES })
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim().replace(/^autoshield: /, '') : ''
    throw new AutoshieldError('UNTRUSTED', said === '' ? `${folder} could not be tried within ${DEADLINE_MS / 1000} s, or ended its process; do not use it` : said, { cause })
  }
}
