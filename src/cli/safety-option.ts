import { readFile } from 'node:fs/promises'
import { Option } from 'commander'
import { AutoshieldError } from '../core/errors.ts'
import { readSafetyFile } from '../core/safety/read-safety-file.ts'
import { DEFAULT_SAFETY_FILE, type SafetyFile } from '../core/safety/settings.ts'

export const safetyOption = (): Option =>
  new Option('--safety <file>', 'what safety may let through: limits, protected things, maintenance windows (YAML); read at the start')

/** The settings of safety, or those that hold by default. Throws USAGE with every problem of the file. */
export async function safetyFrom (file: string | undefined): Promise<SafetyFile> {
  if (file === undefined) return DEFAULT_SAFETY_FILE
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new AutoshieldError('USAGE', `the settings of safety ${file} cannot be read (${AutoshieldError.from(cause).message}); name the file with --safety.`, { cause })
  })
  const read = readSafetyFile(text, file)
  if (read.outcome === 'refused') throw new AutoshieldError('USAGE', read.problems.join('\n'))
  return read.file
}
