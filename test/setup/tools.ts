import { accessSync, constants, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import catalogue from './tools.json' with { type: 'json' }

export type Tool = { path: string, missing?: never } | { path?: never, missing: string }

/** Debian puts PostgreSQL's server programs into a folder per version, on nobody's path. */
function postgresFolders (): string[] {
  try {
    return readdirSync('/usr/lib/postgresql').sort().map((version) => `/usr/lib/postgresql/${version}/bin`)
  } catch {
    return [] // not installed
  }
}

function executable (path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // absent, or not for us
  }
}

/** Where `name` is on this machine, or a line that says how to get it. PyPI's tools live in the cache that `install.mjs` fills. */
export function findTool (name: string): Tool {
  const python = Object.entries(catalogue.python).find(([tool]) => tool === name)?.[1]
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const pythons = join(cache, 'autoshield-mesh', 'tools', name, 'venv', 'bin')
  const machines = [...postgresFolders(), ...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin']
  const folders = python === undefined ? machines : 'elsewhere' in python ? [pythons, ...machines] : [pythons]
  const path = folders.map((folder) => join(folder, python?.command ?? name)).find(executable)
  if (path !== undefined) return { path }
  const debian = Object.entries(catalogue.debian as Record<string, string[]>).find(([, commands]) => commands.includes(name))?.[0]
  const origin = python ? `PyPI: ${python.requirement}` : `Debian: ${debian ?? 'unknown'}`
  return { missing: `${name} is missing (${origin}); run 'node test/setup/install.mjs' as root` }
}

/** Where `name` is. Throws with the line that says how to get it. */
export function program (name: string): string {
  const { path, missing } = findTool(name)
  if (missing !== undefined) throw new Error(missing)
  return path
}

/**
 * A reason to skip a test on this machine, or false. In CI nothing may be missing: there it throws, so that the test fails.
 */
export function skipWithout (lines: readonly string[]): string | false {
  if (lines.length === 0) return false
  const text = lines.join('; ')
  if (process.env['CI'] === 'true') throw new Error(`CI has to run every test, but: ${text}`)
  return text
}
