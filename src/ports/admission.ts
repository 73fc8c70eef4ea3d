import type { AdmissionEntry } from '../core/admission/entry.ts'
import type { AdmissionNote } from '../core/admission/note.ts'
import type { PodName } from './directories.ts'

/** Takes what admission saw, to the audit trail. Never blocks and never throws: what it has no room for, it counts. */
export interface AdmissionLog {
  record: (entry: AdmissionEntry) => void
}

/** What happened to pods at admission. */
export interface AdmissionContext {
  /** What was found about the pod, its workload and its namespace from an hour before `atMs` on, oldest first, a few at most. */
  contextOf: (pod: PodName, atMs: number) => readonly AdmissionNote[]
}
