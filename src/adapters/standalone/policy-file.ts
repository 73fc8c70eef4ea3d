import { readFile } from 'node:fs/promises'
import { AutoshieldError } from '../../core/errors.ts'
import type { PolicySource } from '../../ports/threat-policies.ts'

/** A policy in a file. Whoever wants to notice a change reads it again: a look costs little, and no mount breaks it. */
export function policyFile (path: string): PolicySource {
  return {
    name: path,
    async read () {
      try {
        return await readFile(path, 'utf8')
      } catch (cause) {
        const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
        if (code === 'ENOENT') throw new AutoshieldError('NOT_FOUND', `The policy file ${path} does not exist: name one with --policy.`, { cause })
        throw new AutoshieldError('UNAVAILABLE', `The policy file ${path} cannot be read (${String(code ?? cause)}): give this user the right to, or name another with --policy.`, { cause })
      }
    },
  }
}
