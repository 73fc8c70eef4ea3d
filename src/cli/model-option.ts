import { Option } from 'commander'
import type { Settings } from './context.ts'

const SHIPPED = new URL('../../models', import.meta.url).pathname

/** USE_GPU by flag. */
export const gpuOption = (settings: Settings): Option => new Option('--gpu', 'score on the GPU where the runtime can').default(settings.useGpu)

export const modelOption = (settings: Settings): Option =>
  new Option('--model <path>', 'folder of manifest.json and its .onnx file').default(settings.modelPath === '' ? SHIPPED : settings.modelPath, settings.modelPath === '' ? 'the shipped model' : 'from MODEL_PATH')
