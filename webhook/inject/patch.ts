import { createPatch, type Operation, type Pointer } from 'rfc6902'
import { isJson } from './pod-shape.ts'

export type { Operation }

/**
 * RFC 6902 operations that make `after` of `before`, right for any JSON, and few where `after` was made from `before`
 * by `applyInjection`: what is the same object in both is not looked into, so the time goes by what was changed and
 * not by what an author put into the pod. (rfc6902's own comparison of lists takes quadratic time and a stack frame an
 * element: a pod of 3 MiB would stop the process.)
 */
export function patchOf (before: unknown, after: unknown): readonly Operation[] {
  return createPatch(before, after, compare)
}

function compare (before: unknown, after: unknown, place: Pointer): Operation[] | undefined {
  if (before === after) return []
  return Array.isArray(before) && Array.isArray(after) ? compareLists(before, after, place) : undefined
}

/** Elements that are the same value in both lists stay; the others are removed from the end on and added from the start on. */
function compareLists (before: readonly unknown[], after: readonly unknown[], place: Pointer): Operation[] {
  const [were, are] = [new Set(before), new Set(after)]
  const kept = before.filter((value) => are.has(value))
  const order = after.filter((value) => were.has(value))
  if (kept.length !== order.length || kept.some((value, at) => value !== order[at])) return [{ op: 'replace', path: place.toString(), value: after }]
  const removed = before.flatMap((value, at) => are.has(value) ? [] : [at])
  const added = after.flatMap((value, at) => were.has(value) ? [] : [at])
  const [only] = removed
  if (only !== undefined && removed.length === 1 && added.length === 1 && only === added[0]) return compareElement(before[only], after[only], place.add(String(only)))
  return [
    ...removed.reverse().map((at): Operation => ({ op: 'remove', path: place.add(String(at)).toString() })),
    ...added.map((at): Operation => ({ op: 'add', path: place.add(String(at)).toString(), value: after[at] })),
  ]
}

function compareElement (before: unknown, after: unknown, place: Pointer): Operation[] {
  if (!isJson(before) || !isJson(after)) return [{ op: 'replace', path: place.toString(), value: after }]
  return createPatch(before, after, compare).map((operation) => ({ ...operation, path: place.toString() + operation.path }))
}
