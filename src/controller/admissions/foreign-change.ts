import { FIELD_MANAGER } from '../../core/injection/names.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'

/** What of an object tells one version of it from the next, and who wrote which. */
export interface Version {
  readonly uid: string
  /** Counts changes of what the object asks for. */
  readonly generation: number
  /** When each field manager last wrote, by its name. */
  readonly managers: Readonly<Record<string, string>>
}

export function versionOf ({ metadata }: KubernetesObject): Version {
  const fields = metadata['managedFields']
  const managers = (Array.isArray(fields) ? fields : []).map((field: unknown) => [textOf(field, 'manager'), textOf(field, 'time')] as const)
  return { uid: metadata.uid ?? '', generation: metadata.generation ?? 0, managers: Object.fromEntries(managers) }
}

function textOf (value: unknown, field: string): string {
  const found: unknown = typeof value === 'object' && value !== null ? Object.entries(value).find(([name]) => name === field)?.[1] : undefined
  return typeof found === 'string' ? found : ''
}

/**
 * Whether somebody else than AutoShield made `after` of `before`: its content changed, and of the field managers that
 * wrote meanwhile one is not ours. A manager's name is what a client says of itself, so one that takes ours is not found
 * by this; whoever knows what the object should be compares that.
 */
export function isForeign (before: Version, after: Version): boolean {
  if (before.uid !== after.uid || before.generation === after.generation) return false
  const writers = Object.entries(after.managers).filter(([name, time]) => before.managers[name] !== time).map(([name]) => name)
  return writers.length === 0 || writers.some((name) => name !== FIELD_MANAGER && !name.startsWith(`${FIELD_MANAGER}-`))
}
