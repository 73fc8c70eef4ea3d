import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { AutoshieldError } from '../core/errors.ts'

/** A file that a person named, as text; `-` is standard input. Throws NOT_FOUND. `what`: a file of which kind, for the mend. */
export async function readInput (file: string, what = 'readable file'): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : await readFile(file, 'utf8')
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : String(cause)
    throw new AutoshieldError('NOT_FOUND', `${file}: ${reason}. Name a ${what}.`, { cause })
  }
}
