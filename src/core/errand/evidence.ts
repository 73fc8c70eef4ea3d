import { Type, type Static } from 'typebox'

const closed = { additionalProperties: false } as const

/** What was kept of a pod before it was evicted, and what could not be. */
export const EvidenceManifest = Type.Object({
  errand: Type.String({ description: 'Id of the errand, which is that of its decision.' }),
  detection: Type.String(),
  pod: Type.Object({ uid: Type.String(), namespace: Type.String(), name: Type.String() }, closed),
  keptAt: Type.String({ format: 'date-time' }),
  files: Type.Array(Type.Object({ name: Type.String(), bytes: Type.Integer({ minimum: 0 }), sha256: Type.String() }, closed)),
  missing: Type.Array(Type.Object({ what: Type.String(), why: Type.String() }, closed)),
}, { $id: 'EvidenceManifest', ...closed })
export type EvidenceManifest = Static<typeof EvidenceManifest>

export interface EvidenceFile {
  /** A plain file name. */
  readonly name: string
  readonly text: string
}

/** What was gathered of a pod. */
export interface Gathered {
  readonly files: readonly EvidenceFile[]
  readonly missing: EvidenceManifest['missing']
}
