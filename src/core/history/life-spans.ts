import { BUCKET_MINUTES } from './flow-record.ts'
import type { Life } from './mitigation-lives.ts'
import { MINUTE_MS } from './sighting.ts'

const BUCKET_MS = BUCKET_MINUTES * MINUTE_MS

/** The buckets of recorded flows in which something would be restricted, in order; Unix time, the end is not in it. */
export function lifeSpans (lives: readonly Pick<Life, 'fromMs' | 'untilMs'>[], sinceMs: number, nowMs: number): { readonly sinceMs: number, readonly untilMs: number }[] {
  const buckets = new Set<number>()
  for (const { fromMs, untilMs } of lives) {
    const end = Math.min(untilMs, nowMs)
    for (let bucket = Math.floor(Math.max(fromMs, sinceMs) / BUCKET_MS); bucket * BUCKET_MS < end; bucket++) buckets.add(bucket)
  }
  return [...buckets].sort((one, other) => one - other).map((bucket) => ({ sinceMs: bucket * BUCKET_MS, untilMs: (bucket + 1) * BUCKET_MS }))
}
