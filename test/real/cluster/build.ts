import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { goBuild, type GoModule, hashOf, type Say } from './go-build.ts'

const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl']
/** What the programs say that they are; the releases' own builds set it the same way. Held to go.mod by a test. */
export const KUBERNETES = '1.34.4'
export const HELM = '3.19.2'
const LINKER_FLAGS = ['-s -w',
  ...['component-base', 'client-go/pkg'].flatMap((part) => [['gitVersion', `v${KUBERNETES}`], ['gitMajor', '1'], ['gitMinor', '34']].map(([name = '', value = '']) => `-X k8s.io/${part}/version.${name}=${value}`)),
  `-X helm.sh/helm/v3/internal/version.version=v${HELM}`].join(' ')
const CONTROL_PLANE: GoModule = { title: 'Kubernetes', folder: fileURLToPath(new URL('control-plane', import.meta.url)), linkerFlags: LINKER_FLAGS, packages: 2750 }
const KEPT_UNUSED_MS = 14 * 24 * 60 * 60 * 1000

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

/** The folder that holds Kubernetes' programs, built from `control-plane/` when no build of these very files is there. */
export async function buildPrograms (say: Say, signal?: AbortSignal): Promise<string> {
  return keep(`programs-${hashOf(CONTROL_PLANE)}`, async (folder) => {
    const started = Date.now()
    say('building Kubernetes from source (once; 8 minutes on two cores when nothing of it was ever built here) ...')
    await goBuild(CONTROL_PLANE, '.', join(folder, 'control-plane'), { say, signal })
    await goBuild(CONTROL_PLANE, './pause', join(folder, 'pause'), { cgo: false, say, signal }) // static: it is all that its image holds
    await goBuild(CONTROL_PLANE, 'helm.sh/helm/v3/cmd/helm', join(folder, 'helm'), { say, signal })
    for (const name of PROGRAMS) symlinkSync('control-plane', join(folder, name))
    say(`built Kubernetes in ${((Date.now() - started) / 1000).toFixed(0)} s`)
  })
}
