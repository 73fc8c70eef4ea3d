import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../errors.ts'
import type { KubernetesObject } from './object.ts'
import { apiVersionOf, type Resource } from './resource.ts'

const texts = Type.Record(Type.String(), Type.String())

/** What every object has; the rest belongs to whoever reads it. */
const Metadata = Compile(Type.Object({
  name: Type.Optional(Type.String()),
  namespace: Type.Optional(Type.String()),
  uid: Type.Optional(Type.String()),
  resourceVersion: Type.Optional(Type.String()),
  generation: Type.Optional(Type.Number()),
  creationTimestamp: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  deletionTimestamp: Type.Optional(Type.String()),
  labels: Type.Optional(texts),
  annotations: Type.Optional(texts),
  ownerReferences: Type.Optional(Type.Array(Type.Object({ apiVersion: Type.String(), kind: Type.String(), name: Type.String(), uid: Type.String(), controller: Type.Optional(Type.Boolean()) }))),
  finalizers: Type.Optional(Type.Array(Type.String())),
}))

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * One object as the API server sent it. Items of a list come without kind, and reviews without a name: the kind is
 * filled in, and the name is empty. Throws BAD_DATA for what is no object of Kubernetes.
 */
export function readObject (value: unknown, resource: Resource): KubernetesObject {
  const metadata = isRecord(value) ? value['metadata'] ?? {} : null
  if (!isRecord(value) || !Metadata.Check(metadata)) {
    throw new AutoshieldError('BAD_DATA', `The API server sent a ${resource.kind} that cannot be understood: is the address that of a Kubernetes API server?`)
  }
  const { creationTimestamp, ...rest } = metadata
  return {
    ...value,
    apiVersion: typeof value['apiVersion'] === 'string' ? value['apiVersion'] : apiVersionOf(resource),
    kind: typeof value['kind'] === 'string' ? value['kind'] : resource.kind,
    metadata: { ...rest, name: metadata.name ?? '', ...(typeof creationTimestamp === 'string' && { creationTimestamp }) },
  }
}
