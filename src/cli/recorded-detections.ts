import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { readStore } from '../adapters/store/object-store.ts'
import { AutoshieldError } from '../core/errors.ts'
import { Detection } from '../core/verdict/detection.ts'
import { callApi } from './loop-api.ts'

const Page = Compile(Type.Object({ items: Type.Array(Detection), next: Type.Union([Type.String(), Type.Null()]) }))

/** Detections that are kept, newest first, of a data folder or of an AutoShield that runs. */
export async function recordedDetections ({ data, api }: { readonly data: string, readonly api?: string }): Promise<readonly Detection[]> {
  if (api === undefined) {
    using store = readStore(data)
    return store.detections.list()
  }
  const detections: Detection[] = []
  for (let cursor = ''; ;) {
    const page = await callApi(api, 'GET', `/detections?limit=500${cursor}`)
    if (!Page.Check(page)) throw new AutoshieldError('BAD_DATA', `What ${api} answered are no detections: is it this version's AutoShield?`)
    detections.push(...page.items)
    if (page.next === null) return detections
    cursor = `&cursor=${page.next}`
  }
}
