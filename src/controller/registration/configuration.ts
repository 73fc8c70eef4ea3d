import { isDeepStrictEqual } from 'node:util'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { FIELD_MANAGER, LABELS, MANAGED_BY } from '../../core/injection/names.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import type { WebhookConfiguration } from './registration-objects.ts'

const Entries = Compile(Type.Array(Type.Object({ name: Type.String(), matchConditions: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))) })))
const ManagedFields = Compile(Type.Array(Type.Object({ manager: Type.Optional(Type.String()), time: Type.Optional(Type.String()) })))

export const isOurs = ({ metadata }: KubernetesObject): boolean => metadata.labels?.[LABELS.managedBy] === MANAGED_BY

/** Whether both say the same. Only what was answered to our own write is compared with: a newer API server adds defaults. */
export const saysTheSame = (a: KubernetesObject, b: KubernetesObject): boolean =>
  isDeepStrictEqual([a['webhooks'], a.metadata.labels], [b['webhooks'], b.metadata.labels])

/**
 * Whether somebody added an entry, or a condition to an entry. Both are lists by name, in which server-side apply leaves
 * what others own (merge key `name`): a condition that is never true would switch us off unseen.
 */
export function hasAdditions (object: KubernetesObject, wanted: WebhookConfiguration): boolean {
  const entries = object['webhooks'] ?? []
  if (!Entries.Check(entries)) return true
  const names = (list: readonly { readonly name: string, readonly matchConditions?: readonly { readonly name: string }[] }[]): string[] =>
    list.flatMap(({ name, matchConditions = [] }) => [name, ...matchConditions.map((condition) => `${name}/${condition.name}`)]).sort()
  return !isDeepStrictEqual(names(entries), names(wanted.webhooks))
}

/** Whether `object` says all that is wanted of it, but for the caBundle, which changes under us; defaults that the API server fills in are no difference. */
export const saysAllOf = (object: KubernetesObject, { webhooks }: WebhookConfiguration): boolean => isPart(webhooks, object['webhooks'])

function isPart (wanted: unknown, found: unknown): boolean {
  if (Array.isArray(wanted)) return Array.isArray(found) && found.length === wanted.length && wanted.every((value, at) => isPart(value, found[at]))
  if (typeof wanted !== 'object' || wanted === null) return Object.is(wanted, found)
  return typeof found === 'object' && found !== null && Object.entries(wanted).every(([name, value]) => name === 'caBundle' || isPart(value, Reflect.get(found, name)))
}

/** The field manager beside ours that wrote last. */
export function lastOtherManager (object: KubernetesObject): string {
  const fields = object.metadata['managedFields']
  const others = ManagedFields.Check(fields) ? fields.filter(({ manager }) => manager !== FIELD_MANAGER) : []
  const last = others.toSorted((a, b) => (a.time ?? '').localeCompare(b.time ?? '')).at(-1)
  return last?.manager ?? 'an unknown field manager'
}
