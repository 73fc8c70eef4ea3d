import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { ModelStore } from '../adapters/models/model-store.ts'
import { readManifest } from '../adapters/onnx/load-model.ts'
import type { Settings } from './context.ts'
import { SHIPPED_MODEL } from './model-option.ts'

export interface ClassesFlags { classes?: readonly string[], model?: string, data?: string }

/** Whose classes rules may be about without a condition. */
export function classesOptions (command: Command): Command {
  return command
    .addOption(new Option('--model <folder>', 'model whose classes rules may be about; unless given the one that scores in the data folder of --data, where that is a flag, else MODEL_PATH, else the shipped one'))
    .addOption(new Option('--classes <names>', 'attack classes that rules may be about, by commas').conflicts('model').argParser((text: string): readonly string[] => ['BENIGN', ...text.split(',')]))
}

/** Those of the model, BENIGN first. Throws as `readManifest` does. */
export async function classesFor ({ classes, model, data }: ClassesFlags, { modelPath }: Settings): Promise<readonly string[]> {
  if (classes !== undefined) return classes
  const folder = model ?? (data === undefined ? null : await scoringIn(data)) ?? (modelPath === '' ? SHIPPED_MODEL : modelPath)
  return (await readManifest(folder)).manifest.classes
}

/** Folder of the model that somebody promoted; null where none was. */
async function scoringIn (data: string): Promise<string | null> {
  const store = new ModelStore(join(data, 'models'))
  const { current } = await store.choice()
  return current === null ? null : store.folderOf(current)
}
