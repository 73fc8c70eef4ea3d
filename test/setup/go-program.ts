import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { keep } from '../real/cluster/build.ts'
import { program } from './tools.ts'

/** The program of the Go module in `module`, built when no build of these very files is there. A cold build takes minutes. */
export async function goProgram (module: string): Promise<string> {
  const hash = createHash('sha256')
  for (const file of readdirSync(module).sort()) hash.update(file).update('\0').update(readFileSync(join(module, file)))
  const name = basename(module)
  const folder = await keep(`${name}-${hash.digest('hex').slice(0, 16)}`, async (output) => {
    await promisify(execFile)(program('go'), ['build', '-trimpath', '-buildvcs=false', '-o', join(output, name), '.'], { cwd: module })
  })
  return join(folder, name)
}
