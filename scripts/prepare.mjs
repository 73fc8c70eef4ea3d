// Runs under the machine's own Node (20 or newer), before anything is installed: no packages, no TypeScript.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** The Node that the project brings (package `node`), whatever the machine's own is. */
export const node = join(root, 'node_modules', '.bin', 'node')

/** Node keeps what it compiled here, for every process of the tests begins by reading some hundred files of TypeScript: it halves that. */
const COMPILED = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'autoshield-mesh', 'compiled')

/** For processes of the project: what this one has, the project's Node first on its path. */
export const environment = { NODE_COMPILE_CACHE: COMPILED, ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` }

/** Runs a command in the project's root with the project's Node first on its path; resolves to its exit status. */
export function run (command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options, env: { ...environment, ...options.env } })
  const forward = (signal) => child.kill(signal)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, forward)
      resolve(signal ? 128 : code)
    })
  })
}

async function must (say, command, args) {
  console.error(`autoshield: ${say} ...`)
  const started = Date.now()
  const status = await run(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) {
    console.error(`autoshield: '${command} ${args.join(' ')}' ended with ${status}; run it by hand to see all that it says.`)
    process.exit(1)
  }
  console.error(`autoshield: ${say}: done in ${((Date.now() - started) / 1000).toFixed(0)} s`)
}

/**
 * Installs what package-lock.json names, when it is not there or the lock is newer. Not by `npm ci`: that refuses a registry which
 * lacks some platform's optional binaries, and leaves none for the others.
 */
export async function install () {
  const installed = join(root, 'node_modules', '.package-lock.json')
  if (existsSync(installed) && existsSync(node) && statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs) return
  await must('installing packages from the npm registry (about a minute, once)', 'npm', ['install', '--no-save', '--loglevel=error'])
}

async function sources (folder) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !file.includes('/dist/')).sort()
}

/** Builds the dashboard's page when its sources changed since the last build. */
export async function buildPage () {
  const web = join(root, 'src', 'console', 'web')
  const hash = createHash('sha256')
  for (const file of await sources(web)) hash.update(file.slice(web.length)).update(readFileSync(file))
  const digest = hash.digest('hex')
  const stamp = join(web, 'dist', '.built-from')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  rmSync(join(web, 'dist'), { recursive: true, force: true })
  await must('building the dashboard', 'vite', ['build', web, '--logLevel', 'error'])
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, digest)
}
