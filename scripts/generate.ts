// `npm run generate`: writes the TypeScript of every .proto into src/wire/gen, and the definitions of our objects into
// deploy/chart/crds. Works offline: buf and the plugin come from npm, and every import is a local file.
import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gatherEnvoyProtos } from './envoy-protos.ts'
import { generateCrds } from './generate-crds.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = (name: string) => join(root, 'node_modules', '.bin', name)

/** A set of .proto files that is generated as one. Paths are relative to the project's root. */
export interface ProtoModule {
  readonly input: string
  /** Folder below src/wire/gen. */
  readonly out: string
  readonly exclude: readonly string[]
  /** Options of protoc-gen-es. */
  readonly options: readonly string[]
}

const TYPESCRIPT = ['target=ts', 'import_extension=ts']
/** Enums of a .proto become TypeScript enums, which Node cannot run; as JavaScript with declarations they can be had. */
const WITH_ENUMS = ['target=js+dts', 'import_extension=js']

export const PROTO_MODULES: readonly ProtoModule[] = [
  { input: 'src/wire', out: '.', exclude: ['src/wire/envoy', 'src/wire/gen'], options: TYPESCRIPT },
]

/** Folder below src/wire/gen of Envoy's API, whose .proto files lie in npm's packages (see src/wire/envoy/README.md). */
const ENVOY = 'xds'

/** Generates every module below `target`, which it empties first. Rejects with buf's own words where a .proto is wrong. */
export async function generate (target: string): Promise<void> {
  await rm(target, { recursive: true, force: true })
  await using envoy = await gatherEnvoyProtos(root)
  for (const { input, out, exclude, options } of [...PROTO_MODULES, { input: envoy.folder, out: ENVOY, exclude: [], options: WITH_ENUMS }]) {
    const template = {
      version: 'v2',
      plugins: [{ local: bin('protoc-gen-es'), out: relative(root, join(target, out)), strategy: 'all', opt: options }],
    }
    await promisify(execFile)(bin('buf'), [
      'generate', input, '--template', JSON.stringify(template), ...exclude.flatMap((path) => ['--exclude-path', path]),
    ], { cwd: root })
  }
}

if (import.meta.main) {
  await generate(join(root, 'src', 'wire', 'gen'))
  await generateCrds(join(root, 'deploy', 'chart', 'crds'))
}
