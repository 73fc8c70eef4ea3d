import { Option } from 'commander'
import type { Settings } from './context.ts'

const SHIPPED = new URL('../../models', import.meta.url).pathname

export const modelOption = (settings: Settings): Option =>
  new Option('--model <path>', 'folder of manifest.json and its .onnx file').default(settings.modelPath === '' ? SHIPPED : settings.modelPath, settings.modelPath === '' ? 'the shipped model' : 'from MODEL_PATH')
