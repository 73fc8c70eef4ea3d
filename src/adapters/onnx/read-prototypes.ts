import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { AutoshieldError } from '../../core/errors.ts'
import type { Prototypes } from '../../core/explain/nearest.ts'
import type { ModelManifest } from './manifest.ts'
import { parsePrototypes } from './prototypes.ts'
import { readBounded } from './read-bounded.ts'

/** The shipped ones have 0.2 MB. */
const MAX_BYTES = 4 * 2 ** 20

/** `none`: the manifest names no file of examples, as those of older models do. `problem` names the file and the mend. */
export type FoundPrototypes =
  | { readonly state: 'none' }
  | { readonly state: 'read', readonly prototypes: Prototypes, readonly bytes: Buffer }
  | { readonly state: 'refused', readonly problem: string }

/** The examples that a manifest names, of its folder, and only with the hash that it gives. */
export async function readPrototypes ({ prototypes: named, classes }: ModelManifest, folder: string): Promise<FoundPrototypes> {
  if (named === undefined) return { state: 'none' }
  const path = join(folder, named.file)
  try {
    const bytes = await readBounded(path, MAX_BYTES)
    const found = createHash('sha256').update(bytes).digest('hex')
    if (found !== named.sha256 || bytes.length !== named.bytes) {
      return { state: 'refused', problem: `${path} is not the file that its manifest describes: expected sha256 ${named.sha256} (${named.bytes} bytes), found ${found} (${bytes.length} bytes); restore it from the release, or train the model again` }
    }
    return { state: 'read', prototypes: parsePrototypes(bytes.toString('utf8'), path, classes), bytes }
  } catch (thrown) {
    return { state: 'refused', problem: AutoshieldError.from(thrown).message }
  }
}
