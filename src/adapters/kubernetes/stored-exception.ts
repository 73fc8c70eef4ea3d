import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { ExceptionSpec, ExceptionStatus, type Exception } from '../../core/exception/exception.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'

const { source, target, classes, actions } = ExceptionSpec.properties

/** What rules and closed maps need in a definition: one of the fields, and no more labels than the schema says. */
const whom = <T extends { properties: { labels: object } }>(schema: T) => {
  const { minProperties: _, ...rest } = schema as T & { minProperties?: number }
  return {
    ...rest,
    'x-kubernetes-validations': [
      { rule: 'has(self.namespace) || has(self.name) || has(self.labels) || has(self.cidr)', message: 'it names nobody: name a namespace, name, labels or cidr' },
      { rule: '!has(self.labels) || (size(self.labels) > 0 && size(self.labels) <= 16)', message: 'labels are 1 to 16' },
      { rule: "!has(self.cidr) || !self.cidr.endsWith('/0')", message: 'cidr is everybody: name a smaller block' },
    ],
  }
}

/** What the API server refuses by itself, as `readExceptionSpec` would; that it ends within its bound only the status can tell. */
export const StoredExceptionSpec = {
  ...ExceptionSpec,
  properties: {
    ...ExceptionSpec.properties,
    source: whom(source),
    target: whom(target),
    classes: { ...classes, 'x-kubernetes-list-type': 'set', 'x-kubernetes-validations': [{ rule: "!self.exists(c, c == 'BENIGN')", message: 'BENIGN is no attack' }] },
    actions: { ...actions, 'x-kubernetes-list-type': 'set' },
  },
  'x-kubernetes-validations': [{ rule: 'has(self.source) || has(self.target)', message: 'it names neither source nor target, so it would cover everybody: name one' }],
}

export const StoredExceptionStatus = {
  ...ExceptionStatus,
  properties: {
    ...ExceptionStatus.properties,
    conditions: { ...ExceptionStatus.properties.conditions, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
  },
}

const Dated = Compile(Type.Object({ uid: Type.String(), generation: Type.Integer({ minimum: 1 }), creationTimestamp: Type.String() }))
const status = Compile(ExceptionStatus)

/** Null for what has no name or generation yet. */
export function fromStoredException ({ metadata, ...object }: KubernetesObject): Exception | null {
  if (!Dated.Check(metadata)) return null
  const { name, uid, generation, creationTimestamp } = metadata
  return { metadata: { name, uid, generation, creationTimestamp }, spec: object['spec'], status: status.Check(object['status']) ? object['status'] : null }
}
