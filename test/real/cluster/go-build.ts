import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { program } from '../../setup/tools.ts'

const PROGRESS_MS = 15_000

/** Tells a person what goes on, one line at a time. */
export type Say = (line: string) => void

/** A Go module of ours whose programs take long to build. */
export interface GoModule {
  /** What a person calls it. */
  readonly title: string
  readonly folder: string
  readonly linkerFlags: string
  /** How many packages a cold build compiles, for the progress line only. */
  readonly packages: number
}

/** Names a build: changes with the module's files and with how they are linked. */
export function hashOf ({ folder, linkerFlags }: GoModule): string {
  const hash = createHash('sha256').update(linkerFlags)
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort()
  for (const file of files) hash.update(file.slice(folder.length)).update('\0').update(readFileSync(file))
  return hash.digest('hex').slice(0, 16)
}

/** Builds one program of a module. `cgo: false` makes it static. */
export async function goBuild ({ title, folder, linkerFlags, packages }: GoModule, what: string, output: string, { cgo = true, say, signal }: { cgo?: boolean, say: Say, signal: AbortSignal | undefined }): Promise<void> {
  const args = ['build', '-v', '-trimpath', '-buildvcs=false', `-ldflags=${linkerFlags}`, '-o', output, what]
  const child = spawn(program('go'), args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...cgo ? {} : { CGO_ENABLED: '0' } }, ...(signal === undefined ? {} : { signal }) })
  let compiled = 0
  let last: string[] = []
  createInterface(child.stderr).on('line', (line) => {
    if (/^[\w./-]+$/.test(line)) compiled++
    else last = [...last, line].slice(-10)
  })
  const progress = setInterval(() => say(`building ${title}: ${compiled} of about ${packages} packages compiled`), PROGRESS_MS)
  try {
    const [status] = await once(child, 'close') as [number | null]
    if (status !== 0) throw new Error(`'go ${args.join(' ')}' in ${folder} ended with ${String(status)}:\n${last.join('\n')}`)
  } finally {
    clearInterval(progress)
    child.kill()
  }
}
