import { readFile } from 'node:fs/promises'
import { AutoshieldError } from '../../core/errors.ts'

const MAX_LENGTH = 4096

/** The text of a secret without the newline that editors add. Throws NOT_FOUND or BAD_DATA, without a word of what it holds. */
export async function readSecret (path: string): Promise<string> {
  let text: string
  try {
    text = (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'it cannot be read'
    throw new AutoshieldError('NOT_FOUND', `The secret ${path} of the alert settings cannot be read (${code}): mount it there, or correct its path.`)
  }
  if (text === '' || text.length > MAX_LENGTH) throw new AutoshieldError('BAD_DATA', `The secret ${path} of the alert settings is empty or longer than ${MAX_LENGTH} characters.`)
  return text
}
