import { LABELS, MANAGED_BY } from '../src/core/injection/names.ts'
import type { KubernetesObject } from '../src/core/kubernetes/object.ts'
import { isRecord } from '../src/core/kubernetes/read-object.ts'

/** Text under a key of a Secret; empty where there is none. */
export function textOf (secret: KubernetesObject, key: string): string {
  const data = secret['data']
  const value = isRecord(data) ? data[key] : undefined
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : ''
}

export const dataOf = (texts: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]))

/** Whether the object says that we made it; one that does not is never changed. */
export const isOurs = ({ metadata }: KubernetesObject): boolean => metadata.labels?.[LABELS.managedBy] === MANAGED_BY
