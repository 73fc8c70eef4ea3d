import type { Mark, MarkVerdict } from '../core/feedback/mark.ts'
import type { Precision } from '../core/feedback/precision.ts'

/** What a person says of a detection. */
export interface Said {
  readonly verdict: MarkVerdict
  readonly reason: string
  /** ISO 8601; null for no exception. */
  readonly exceptUntil: string | null
}

/** What people said of detections. */
export interface Feedback {
  /** Newest first. */
  marks: () => readonly Mark[]
  precision: () => readonly Precision[]
  /** Another number after each mark. */
  readonly version: number
  /** In place of what was said before. Throws NOT_FOUND, BAD_DATA where an exception is asked for what is confirmed or too long, CONFLICT where one was made already. */
  mark: (detection: string, said: Said, by: string) => Promise<Mark>
}
