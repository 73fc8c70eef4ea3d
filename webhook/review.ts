import { Type, type Static } from 'typebox'

const GroupVersionKind = Type.Object({ group: Type.String(), version: Type.String(), kind: Type.String() })
const GroupVersionResource = Type.Object({ group: Type.String(), version: Type.String(), resource: Type.String() })
/** An object or null; what is inside is parsed by whoever reads it. */
const RawObject = Type.Optional(Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()]))

/** admission.k8s.io/v1 AdmissionRequest, as far as it is read. What a newer API server adds is let through. */
export const AdmissionRequest = Type.Object({
  uid: Type.String({ minLength: 1, maxLength: 253 }),
  kind: GroupVersionKind,
  resource: GroupVersionResource,
  subResource: Type.Optional(Type.String()),
  requestKind: Type.Optional(GroupVersionKind),
  requestResource: Type.Optional(GroupVersionResource),
  name: Type.Optional(Type.String()),
  namespace: Type.Optional(Type.String()),
  operation: Type.Union([Type.Literal('CREATE'), Type.Literal('UPDATE'), Type.Literal('DELETE'), Type.Literal('CONNECT')]),
  userInfo: Type.Object({ username: Type.Optional(Type.String()), uid: Type.Optional(Type.String()), groups: Type.Optional(Type.Array(Type.String())) }),
  object: RawObject,
  oldObject: RawObject,
  dryRun: Type.Optional(Type.Boolean()),
  options: RawObject,
})
export type AdmissionRequest = Static<typeof AdmissionRequest>

export const AdmissionReview = Type.Object({
  apiVersion: Type.Literal('admission.k8s.io/v1'),
  kind: Type.Literal('AdmissionReview'),
  request: AdmissionRequest,
})

/** admission.k8s.io/v1 AdmissionResponse. */
export interface AdmissionResponse {
  readonly uid: string
  readonly allowed: boolean
  readonly status?: { readonly code: number, readonly message: string }
  /** Base64 of RFC 6902 operations. */
  readonly patch?: string
  readonly patchType?: 'JSONPatch'
  /** Printed by kubectl; the API server cuts each at 256 characters and all at 4096. */
  readonly warnings?: readonly string[]
  /** On the API server's own audit record, under our name. */
  readonly auditAnnotations?: Readonly<Record<string, string>>
}
