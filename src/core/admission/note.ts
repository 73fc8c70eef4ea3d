import { Type, type Static } from 'typebox'
import { SEVERITIES } from './finding.ts'

/** What happened to a pod at admission, as a detection on that pod shows it. */
export const AdmissionNote = Type.Object({
  at: Type.String({ format: 'date-time' }),
  actor: Type.String({ description: 'The user; empty where nobody could tell.' }),
  text: Type.String({ description: 'One sentence for a person.' }),
  severity: Type.Enum([...SEVERITIES]),
}, { $id: 'AdmissionNote', additionalProperties: false })
export type AdmissionNote = Static<typeof AdmissionNote>
