import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { LABELS, MANAGED_BY } from '../injection/names.ts'
import type { KubernetesObject } from '../kubernetes/object.ts'
import { LabelSelector } from '../kubernetes/label-selector.ts'

const texts = Type.Optional(Type.Array(Type.String()))
const Entry = Type.Object({
  name: Type.String(),
  clientConfig: Type.Object({ caBundle: Type.Optional(Type.String()), service: Type.Optional(Type.Object({ namespace: Type.String(), name: Type.String() })) }),
  rules: Type.Optional(Type.Array(Type.Object({ operations: texts, apiGroups: texts, resources: texts, scope: Type.Optional(Type.String()) }))),
  failurePolicy: Type.Optional(Type.String()),
  timeoutSeconds: Type.Optional(Type.Number()),
  reinvocationPolicy: Type.Optional(Type.String()),
  namespaceSelector: Type.Optional(LabelSelector),
  objectSelector: Type.Optional(LabelSelector),
})
const Configuration = Compile(Type.Object({ webhooks: Type.Optional(Type.Array(Entry)) }))

/** One webhook of anybody's, as far as a pod's creation is concerned. */
export interface WebhookEntry extends Static<typeof Entry> {
  readonly kind: 'mutating' | 'validating'
  readonly configuration: string
  readonly ours: boolean
}

/** The entries of a webhook configuration; what cannot be understood has none. */
export function entriesOf (kind: WebhookEntry['kind'], object: KubernetesObject): readonly WebhookEntry[] {
  if (!Configuration.Check(object)) return []
  const { name, labels } = object.metadata
  return (object.webhooks ?? []).map((entry) => ({ ...entry, kind, configuration: name, ours: labels?.[LABELS.managedBy] === MANAGED_BY }))
}

/** Whether the creation of some pod is among its rules. */
export const seesPods = ({ rules = [] }: WebhookEntry): boolean => rules.some(({ operations = [], apiGroups = [], resources = [], scope }) =>
  scope !== 'Cluster' && includes(operations, 'CREATE') && includes(apiGroups, '') && resources.some((resource) => resource === 'pods' || resource === '*' || resource === '*/*'))

const includes = (list: readonly string[], value: string): boolean => list.includes(value) || list.includes('*')

/** admissionregistration.k8s.io/v1 defaults. */
export const timeoutOf = ({ timeoutSeconds }: WebhookEntry): number => timeoutSeconds ?? 10
export const isFail = ({ failurePolicy }: WebhookEntry): boolean => failurePolicy !== 'Ignore'
