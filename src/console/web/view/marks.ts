import type { MarkSaid } from '../../../core/feedback/mark.ts'
import type { Page } from '../model/live.ts'
import type { Wall } from '../model/wall.ts'
import { useFetched } from './fetched.ts'

export const SAID: Readonly<Record<MarkSaid['verdict'], string>> = { 'false-alarm': 'false alarm', confirmed: 'confirmed' }

/** What people said of the newest detections, by the detection; empty before it is there. */
export function useMarks (wall: Wall): ReadonlyMap<string, MarkSaid> {
  const fetched = useFetched<Page<MarkSaid>>('/marks/said?limit=500', wall.versions.marks)
  return new Map(fetched.state === 'there' ? fetched.value.items.map((mark) => [mark.detection, mark]) : [])
}
