import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { Decision } from '../core/policy/decision.ts'
import type { Detection } from '../core/verdict/detection.ts'

/** A store of the loop's objects. A write is durable when its promise resolves; a full disk rejects with UNAVAILABLE and changes nothing. */
export interface ObjectStore {
  detections: Collection<Detection>
  decisions: Collection<Decision>
  mitigations: Collection<Mitigation>
}

export interface Collection<T> {
  get: (id: string) => T | null
  /** Newest first, at most `limit`. */
  list: (query?: { limit?: number }) => readonly T[]
  put: (id: string, value: T) => Promise<void>
}

/** Small state that a part goes on from after a restart; each reader parses its own. */
export interface Checkpoints {
  /** What was saved last under this name, not yet parsed; undefined if nothing was. */
  load: (name: string) => unknown
  save: (name: string, value: unknown) => Promise<void>
}
