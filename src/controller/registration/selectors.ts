import { DEFAULT_REVISION, LABELS } from '../../core/injection/names.ts'

/** meta/v1 LabelSelectorRequirement. */
export type LabelRequirement =
  | { readonly key: string, readonly operator: 'In' | 'NotIn', readonly values: readonly string[] }
  | { readonly key: string, readonly operator: 'Exists' | 'DoesNotExist' }

/** Which pods one entry of the mutating webhook is asked about. */
export interface InjectionScope {
  /** What the entry's name says. */
  readonly name: string
  readonly namespace: readonly LabelRequirement[]
  readonly pod: readonly LabelRequirement[]
}

/** The label under which the API server itself keeps each namespace's name (Kubernetes 1.22 and later). */
const NAME = 'kubernetes.io/metadata.name'

const anyOf = (key: string, ...values: string[]): LabelRequirement => ({ key, operator: 'In', values })
const noneOf = (key: string, ...values: string[]): LabelRequirement => ({ key, operator: 'NotIn', values })
const without = (key: string): LabelRequirement => ({ key, operator: 'DoesNotExist' })

/**
 * Every pod that asks for this revision, each in exactly one scope, so that no pod is reviewed twice. It follows the rows
 * 7 to 12 of `decideInjection`. A selector has no "or", hence a scope for each way to ask:
 *
 * | namespace's `injection` | pod's `inject` | revision taken from |
 * | --- | --- | --- |
 * | required | anything | the namespace: a pod that names a revision that nobody serves would opt out |
 * | enabled | anything but "false" | the pod, or else the namespace |
 * | anything else | "true" | the pod, or else the namespace |
 *
 * The revision `default` serves also where neither names one.
 */
export function injectionScopes (revision: string, excludedNamespaces: readonly string[]): readonly InjectionScope[] {
  const included = noneOf(NAME, ...excludedNamespaces)
  const ofNamespace = [
    { name: 'namespace', namespace: [anyOf(LABELS.revision, revision)] },
    ...(revision === DEFAULT_REVISION ? [{ name: 'default', namespace: [without(LABELS.revision)] }] : []),
  ]
  const ofPodOrNamespace = [
    { name: 'pod', namespace: [], pod: [anyOf(LABELS.revision, revision)] },
    ...ofNamespace.map((scope) => ({ ...scope, pod: [without(LABELS.revision)] })),
  ]
  return [
    ...ofNamespace.map(({ name, namespace }) => ({ name: `required-${name}`, namespace: [included, anyOf(LABELS.injection, 'required'), ...namespace], pod: [] })),
    ...ofPodOrNamespace.map(({ name, namespace, pod }) => ({
      name: `enabled-${name}`, namespace: [included, anyOf(LABELS.injection, 'enabled'), ...namespace], pod: [noneOf(LABELS.inject, 'false'), ...pod],
    })),
    ...ofPodOrNamespace.map(({ name, namespace, pod }) => ({
      name: `asked-${name}`, namespace: [included, noneOf(LABELS.injection, 'enabled', 'required'), ...namespace], pod: [anyOf(LABELS.inject, 'true'), ...pod],
    })),
  ]
}
