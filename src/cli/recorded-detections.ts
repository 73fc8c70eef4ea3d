import { readStore } from '../adapters/store/object-store.ts'
import { Detection } from '../core/verdict/detection.ts'
import { allPages } from './api-pages.ts'

/** Detections that are kept, newest first, of a data folder or of an AutoShield that runs. */
export async function recordedDetections ({ data, api }: { readonly data: string, readonly api?: string }): Promise<readonly Detection[]> {
  if (api !== undefined) return allPages(api, '/detections', Detection)
  using store = readStore(data)
  return store.detections.list()
}
