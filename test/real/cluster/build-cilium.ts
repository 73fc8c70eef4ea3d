import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { program } from '../../setup/tools.ts'
import { keep } from './build.ts'
import { command } from './command.ts'
import { goBuild, type GoModule, hashOf, type Say } from './go-build.ts'

/** What the agent says that it is. Held to go.mod by a test. */
export const CILIUM = '1.20.2'
const UPSTREAM = 'github.com/cilium/cilium'
const MODULE: GoModule = {
  title: 'Cilium',
  folder: fileURLToPath(new URL('cilium', import.meta.url)),
  linkerFlags: `-s -w -X ${UPSTREAM}/pkg/version.ciliumVersion=${CILIUM}`,
  packages: 1900,
}
const DEFINITIONS = 'pkg/k8s/apis/cilium.io/client/crds'
/** What the agent's compiler reads none of. */
const UNUSED = new Set(['tests', 'complexity-tests', 'test-progs'])

/**
 * The folder of Cilium: `cilium-agent`, `cilium-cni`, `clang`, `bpf/` with the sources that the agent compiles as it starts, and `crds/`.
 * Built from `cilium/` when no build of these very files is there.
 */
export async function buildCilium (say: Say, signal?: AbortSignal): Promise<string> {
  return keep(`cilium-${hashOf(MODULE)}`, async (folder) => {
    const started = Date.now()
    say('building Cilium from source (once; 10 minutes on two cores when nothing of it was ever built here) ...')
    for (const name of ['agent', 'cni']) await goBuild(MODULE, `./${name}`, join(folder, `cilium-${name}`), { cgo: false, say, signal })
    const upstream = (await command(program('go'), ['list', '-m', '-f', '{{.Dir}}', UPSTREAM], { cwd: MODULE.folder })).trim()
    cpSync(join(upstream, 'bpf'), join(folder, 'bpf'), { recursive: true, filter: (from) => !UNUSED.has(basename(from)) })
    mkdirSync(join(folder, 'crds'))
    for (const version of ['v2', 'v2alpha1']) cpSync(join(upstream, DEFINITIONS, version), join(folder, 'crds', version), { recursive: true, filter: (from) => !from.endsWith('.go') })
    await command('chmod', ['-R', 'u+w', folder]) // Go's module cache is read-only
    symlinkSync(program('clang-19'), join(folder, 'clang'))
    say(`built Cilium in ${((Date.now() - started) / 1000).toFixed(0)} s`)
  })
}
