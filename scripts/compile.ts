// `npm run compile -- FOLDER`: what a container image runs. The sources as JavaScript, in the same tree: Node's own type stripping
// would cost each observer 27 MiB and a second (measured), for its parser is WebAssembly.
import { execFile } from 'node:child_process'
import { chmod, cp, mkdir } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** What the processes read beside their code. */
const ASSETS = ['package.json', 'models/model.onnx', 'models/manifest.json', 'models/prototypes.json', 'deploy/policies', 'src/console/web/dist']
/** Generated code that is JavaScript already. */
const GENERATED = 'src/wire/gen/xds'

/** All that a production tree is made from: when none of it changed, the tree is the same. */
export const COMPILED_FROM = ['src', 'webhook', 'sidecar', 'xds', 'certs', 'tsconfig.json', 'tsconfig.image.json', ...ASSETS.filter((path) => !path.startsWith('src/'))] as const
/** The program, below the folder. */
export const COMPILED_PROGRAM = 'src/main.js'

/** Writes the tree into `folder`; packages are the caller's to bring. Rejects with the compiler's words. */
export async function compile (folder: string): Promise<void> {
  await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', join(root, 'tsconfig.image.json'), '--outDir', folder])
  await cp(join(root, GENERATED), join(folder, GENERATED), { recursive: true, filter: (path) => !path.endsWith('.d.ts') })
  for (const asset of ASSETS.filter((path) => existsSync(join(root, path)))) {
    await mkdir(dirname(join(folder, asset)), { recursive: true })
    await cp(join(root, asset), join(folder, asset), { recursive: true })
  }
  await chmod(join(folder, COMPILED_PROGRAM), 0o755)
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2)
  if (folder === undefined) {
    console.error('usage: npm run compile -- FOLDER')
    process.exitCode = 64
  } else {
    await compile(folder)
  }
}
