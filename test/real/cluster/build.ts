import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { program } from '../../setup/tools.ts'

const MODULE = fileURLToPath(new URL('control-plane', import.meta.url))
const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl']
/** What the programs say that they are; the releases' own builds set it the same way. Held to go.mod by a test. */
export const KUBERNETES = '1.34.4'
export const HELM = '3.19.2'
const LINKER_FLAGS = ['-s -w',
  ...['component-base', 'client-go/pkg'].flatMap((part) => [['gitVersion', `v${KUBERNETES}`], ['gitMajor', '1'], ['gitMinor', '34']].map(([name = '', value = '']) => `-X k8s.io/${part}/version.${name}=${value}`)),
  `-X helm.sh/helm/v3/internal/version.version=v${HELM}`].join(' ')
/** How many packages a cold build compiles, for the progress line only. */
const PACKAGES = 2750
const PROGRESS_MS = 15_000
const KEPT_UNUSED_MS = 14 * 24 * 60 * 60 * 1000

/** Tells a person what goes on, one line at a time. */
export type Say = (line: string) => void

/** Where what takes long to make is kept: outside the tree, by the hash of what it is made from. */
export function cacheFolder (): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'autoshield-mesh', 'cluster')
}

/**
 * Makes `cacheFolder()/name` by `make`, unless it is there. What is made appears all at once: a killed or failed one leaves nothing,
 * and two at the same time do not disturb each other.
 */
export async function keep (name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheFolder(), name)
  mkdirSync(cacheFolder(), { recursive: true })
  forget(/^.*-/.exec(name)?.[0] ?? name, name)
  if (existsSync(folder)) {
    utimesSync(folder, new Date(), new Date())
    return folder
  }
  const unfinished = mkdtempSync(`${folder}.unfinished-`)
  try {
    await make(unfinished)
    if (!existsSync(folder)) renameSync(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  return folder
}

/** Removes what was made under the same prefix and not used for long, killed builds among it. */
function forget (prefix: string, except: string): void {
  for (const name of readdirSync(cacheFolder()).filter((entry) => entry.startsWith(prefix) && entry !== except)) {
    const folder = join(cacheFolder(), name)
    const unused = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (unused > KEPT_UNUSED_MS) rmSync(folder, { recursive: true, force: true })
  }
}

function files (folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort()
}

/** The folder that holds Kubernetes' programs, built from `control-plane/` when no build of these very files is there. */
export async function buildPrograms (say: Say, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256').update(LINKER_FLAGS)
  for (const file of files(MODULE)) hash.update(file.slice(MODULE.length)).update('\0').update(readFileSync(file))
  return keep(`programs-${hash.digest('hex').slice(0, 16)}`, async (folder) => {
    const started = Date.now()
    const go = program('go')
    say('building Kubernetes from source (once; 8 minutes on two cores when nothing of it was ever built here) ...')
    await build(go, '.', join(folder, 'control-plane'), { say, signal })
    await build(go, './pause', join(folder, 'pause'), { environment: { CGO_ENABLED: '0' }, say, signal }) // static: it is all that its image holds
    await build(go, 'helm.sh/helm/v3/cmd/helm', join(folder, 'helm'), { say, signal })
    for (const name of PROGRAMS) symlinkSync('control-plane', join(folder, name))
    say(`built Kubernetes in ${((Date.now() - started) / 1000).toFixed(0)} s`)
  })
}

async function build (go: string, what: string, output: string, { environment = {}, say, signal }: { environment?: NodeJS.ProcessEnv, say: Say, signal: AbortSignal | undefined }): Promise<void> {
  const args = ['build', '-v', '-trimpath', '-buildvcs=false', `-ldflags=${LINKER_FLAGS}`, '-o', output, what]
  const child = spawn(go, args, { cwd: MODULE, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...environment }, ...(signal === undefined ? {} : { signal }) })
  let compiled = 0
  let last: string[] = []
  createInterface(child.stderr).on('line', (line) => {
    if (/^[\w./-]+$/.test(line)) compiled++
    else last = [...last, line].slice(-10)
  })
  const progress = setInterval(() => say(`building Kubernetes: ${compiled} of about ${PACKAGES} packages compiled`), PROGRESS_MS)
  try {
    const [status] = await once(child, 'close') as [number | null]
    if (status !== 0) throw new Error(`'go ${args.join(' ')}' in ${MODULE} ended with ${String(status)}:\n${last.join('\n')}`)
  } finally {
    clearInterval(progress)
    child.kill()
  }
}
