import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { readManifest, readModel, tryToLoad } from '../adapters/onnx/load-model.ts'
import { keyIdOf, parsePrivateKey, signManifest } from '../adapters/onnx/signature.ts'
import type { ModelManifest } from '../adapters/onnx/manifest.ts'
import type { FoundPrototypes } from '../adapters/onnx/read-prototypes.ts'
import { techniqueOf, type Technique } from '../core/classes.ts'
import type { GoodOrigin } from '../core/model/origin.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { modelTrust, readKeyFile, SHIPPED_MODEL, type TrustFlags, trustOptions } from './model-option.ts'
import { outputOption, type OutputFormat, plain, RowPrinter } from './output.ts'

/** What a manifest says, without the golden vectors and medians, which are numbers for programs. */
type Summary = Omit<ModelManifest, 'golden' | 'usual' | 'known'>

const summaryOf = ({ golden: _golden, usual: _usual, known: _known, ...rest }: ModelManifest): Summary => rest

export function inspectCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('inspect', 'what a model says of itself: version, classes, thresholds, data, signature', [
    'autoshield model inspect',
    'autoshield model inspect my-model -o json | jq .metrics',
  ]).argument('[folder]', 'folder of manifest.json and its .onnx file', SHIPPED_MODEL).addOption(outputOption())
    .action(async (folder: string, { output }: { output: OutputFormat }) => {
      const summary = summaryOf((await readManifest(folder)).manifest)
      if (output === 'table') context.stdout.write(`${linesOf(summary).map(([name, value]) => `${name.padEnd(12)} ${plain(value)}`).join('\n')}\n`)
      else await new RowPrinter(context.stdout, output, []).print(summary)
      done(EXIT.ok)
    })
}

function linesOf ({ version, file, bytes, sha256, prototypes, classes, techniques = {}, thresholds, contextColumns, calibration, data, signature }: Summary): (readonly [string, string])[] {
  return [
    ['version', version],
    ['file', `${file}, ${bytes} bytes, sha256 ${sha256}`],
    ['examples', prototypes === undefined ? 'none' : `${prototypes.file}, ${prototypes.bytes} bytes, sha256 ${prototypes.sha256}`],
    ['signature', signature === undefined ? 'none' : `of key ${signature.keyId}`],
    ...classes.map((name, index) => [index === 0 ? 'classes' : '', index === 0 ? name : `${name} from ${thresholds[index] ?? 1}${techniqueText(techniqueOf(name, techniques))}`] as const),
    ['input', `20 windows of 12 features, ${contextColumns.length} columns of context`],
    ['temperature', String(calibration.temperature)],
    ...data.map(({ source, licence, note }, index) => [index === 0 ? 'data' : '', `${source} (${licence}): ${note}`] as const),
  ]
}

const techniqueText = (technique: Technique | null): string => technique === null ? '' : `, ATT&CK ${technique.id} ${technique.name}`

export function verifyCommand (context: CliContext, done: (status: number) => void): Command {
  return trustOptions(verb('verify', 'whether a model is what its manifest says, may be run, and computes what it promises', [
    'autoshield model verify my-model --model-keys key.pub',
    'autoshield model verify my-model --allow-unsigned-model',
  ]).argument('[folder]', 'folder of manifest.json and its .onnx file', SHIPPED_MODEL), context.settings)
    .action(async (folder: string, flags: TrustFlags) => {
      const trust = await modelTrust(flags)
      const { manifest, origin, prototypes } = await readModel(folder, { trust })
      await tryToLoad(folder, { trust })
      context.stdout.write(`${manifest.version}: manifest, hash, operators, shapes and ${manifest.golden.length} golden vectors agree; ${origin === null ? '' : ORIGIN_WORDS[origin]}; ${examplesText(prototypes)}\n`)
      done(EXIT.ok)
    })
}

function examplesText (found: FoundPrototypes): string {
  switch (found.state) {
    case 'none': return 'it has no examples of its training'
    case 'read': return `${found.prototypes.examples.length} examples of its training`
    case 'refused': return `its examples are refused: ${found.problem}`
  }
}

const ORIGIN_WORDS = {
  signed: 'signed by a known key',
  shipped: 'it came with this program',
  'unsigned-allowed': 'not signed, which is allowed',
} as const satisfies Record<GoodOrigin, string>

export function signCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('sign', 'sign a model\'s manifest, and with it the hash of its graph', [
    'openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout -out key.pub',
    'autoshield model sign my-model --key key.pem',
  ]).argument('<folder>', 'folder of manifest.json and its .onnx file')
    .requiredOption('--key <file>', 'private Ed25519 key in PEM')
    .action(async (folder: string, { key: file }: { key: string }) => {
      const key = parsePrivateKey(await readKeyFile(file), file)
      const { manifest } = await readModel(folder)
      const { manifestPath } = await readManifest(folder)
      await writeFile(manifestPath, `${JSON.stringify(signManifest(manifest, key), null, 1)}\n`)
      context.stdout.write(`${manifest.version}: signed with key ${keyIdOf(key)}\n`)
      done(EXIT.ok)
    })
}
