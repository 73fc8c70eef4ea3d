import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import type { ModelTrust } from '../adapters/onnx/check-origin.ts'
import { readManifest } from '../adapters/onnx/load-model.ts'
import { manifestHash, parsePublicKeys } from '../adapters/onnx/signature.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { Settings } from './context.ts'

/** The model that came with this program. */
export const SHIPPED_MODEL = new URL('../../models', import.meta.url).pathname

/** USE_GPU by flag. */
export const gpuOption = (settings: Settings): Option => new Option('--gpu', 'score on the GPU where the runtime can').default(settings.useGpu)

export const modelOption = (settings: Settings): Option =>
  new Option('--model <path>', 'folder of manifest.json and its .onnx file').default(settings.modelPath === '' ? SHIPPED_MODEL : settings.modelPath, settings.modelPath === '' ? 'the shipped model' : 'from MODEL_PATH')

/** The folder that a detector follows. */
export const modelsOption = ({ modelStore }: Settings): Option => {
  const models = new Option('--models <dir>', 'folder of installed models; which of them scores is followed (MODEL_STORE; `autoshield model --help`)')
  return modelStore === '' ? models : models.default(modelStore)
}

export interface TrustFlags { modelKeys?: string, allowUnsignedModel: boolean }

/** Whose models are believed, by flags and environment. */
export function trustOptions (verb: Command, settings: Settings): Command {
  const keys = new Option('--model-keys <file>', 'public Ed25519 keys, in PEM, of those who sign models (MODEL_KEYS)')
  return verb.addOption(settings.modelKeys === '' ? keys : keys.default(settings.modelKeys))
    .addOption(new Option('--allow-unsigned-model', 'use a model that nobody signed (ALLOW_UNSIGNED_MODEL); the shipped one needs no signature').default(settings.allowUnsignedModel))
}

/** The flags of `trustOptions`, for a process that is started. */
export const trustArgs = ({ modelKeys, allowUnsignedModel }: TrustFlags): readonly string[] =>
  [...modelKeys === undefined ? [] : ['--model-keys', modelKeys], ...allowUnsignedModel ? ['--allow-unsigned-model'] : []]

/** Throws NOT_FOUND or BAD_DATA where the file of keys cannot be used. */
export async function modelTrust ({ modelKeys, allowUnsignedModel }: TrustFlags): Promise<ModelTrust> {
  return {
    keys: modelKeys === undefined ? new Map() : parsePublicKeys(await readKeyFile(modelKeys), modelKeys),
    unsigned: allowUnsignedModel ? 'allow' : 'refuse',
    shipped: manifestHash((await readManifest(SHIPPED_MODEL)).manifest),
  }
}

/** Throws NOT_FOUND. */
export async function readKeyFile (path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AutoshieldError('NOT_FOUND', `the key file ${path} cannot be read (${cause instanceof Error ? cause.message : String(cause)}); name another`, { cause })
  })
}
