import { isDeepStrictEqual } from 'node:util'
import { isRecord } from '../../src/core/kubernetes/read-object.ts'

export type Fields = Record<string, unknown>

/** One step of a path: a field, or the item of that name in a list that Kubernetes merges by name. */
type Step = { readonly field: string } | { readonly named: string }

/** A field's value at its path; the key of the map is the path as JSON. */
export type Leaves = ReadonlyMap<string, unknown>

/** Lists of containers, volumes, variables and webhooks are merged by name; any other list is one value. */
const isNamed = (list: readonly unknown[]): list is (Fields & { name: string })[] =>
  list.length > 0 && list.every((item) => isRecord(item) && typeof item['name'] === 'string')

export function leavesOf (value: unknown, path: readonly Step[] = []): Map<string, unknown> {
  if (Array.isArray(value) && isNamed(value)) {
    return new Map(value.flatMap((item) => [...leavesOf(item, [...path, { named: item.name }])]))
  }
  if (isRecord(value) && Object.keys(value).length > 0) {
    return new Map(Object.entries(value).flatMap(([field, inner]) => [...leavesOf(inner, [...path, { field }])]))
  }
  return new Map([[JSON.stringify(path), value]])
}

export function merge (into: unknown, from: unknown): unknown {
  if (Array.isArray(from) && isNamed(from) && Array.isArray(into) && isNamed(into)) {
    const kept = into.map((item) => merge(item, from.find(({ name }) => name === item.name) ?? {}))
    return [...kept, ...from.filter(({ name }) => !into.some((item) => item.name === name))]
  }
  if (!isRecord(from) || !isRecord(into)) return from
  const merged: Fields = { ...into }
  for (const [field, value] of Object.entries(from)) merged[field] = field in into ? merge(into[field], value) : value
  return merged
}

/** Takes fields away; an item of a list goes with its name. */
export function without (value: unknown, paths: readonly string[]): unknown {
  return paths.map((path) => JSON.parse(path) as readonly Step[]).reduce(removeAt, value)
}

function removeAt (value: unknown, [step, ...rest]: readonly Step[]): unknown {
  if (step === undefined) return value
  if ('named' in step) {
    if (!Array.isArray(value) || !isNamed(value)) return value
    const [last] = rest
    const goes = rest.length === 1 && last !== undefined && 'field' in last && last.field === 'name'
    return value.flatMap((item) => item.name !== step.named ? [item] : goes ? [] : [removeAt(item, rest)])
  }
  if (!isRecord(value) || !(step.field in value)) return value
  const { [step.field]: inner, ...others } = value
  if (rest.length === 0) return others
  const left = removeAt(inner, rest)
  return isRecord(left) && Object.keys(left).length === 0 ? others : { ...others, [step.field]: left }
}

/**
 * Who owns which field of one object, as far as server-side apply needs it: a manager's own apply may change and drop
 * its fields; another's field with another value is a conflict unless forced.
 */
export class Ownership {
  readonly #owners = new Map<string, ReadonlySet<string>>()

  /** Fields of others that the apply would change. */
  conflicts (manager: string, applied: Leaves, current: Leaves): readonly string[] {
    return [...applied].filter(([path, value]) => this.#othersOwn(manager, path) && !isDeepStrictEqual(current.get(path), value)).map(([path]) => path)
  }

  /** Takes over what was applied, and gives what the manager owned before and no longer wants. */
  take (manager: string, applied: Leaves, current: Leaves): readonly string[] {
    const before = this.#owners.get(manager) ?? new Set()
    const changed = new Set([...applied].filter(([path, value]) => !isDeepStrictEqual(current.get(path), value)).map(([path]) => path))
    this.#disown(changed)
    this.#owners.set(manager, new Set(applied.keys()))
    return [...before].filter((path) => !applied.has(path) && !this.#othersOwn(manager, path))
  }

  /** A plain write: what it changed is its own now. */
  written (manager: string, before: Leaves, after: Leaves): void {
    const changed = new Set([...after].filter(([path, value]) => !isDeepStrictEqual(before.get(path), value)).map(([path]) => path))
    this.#disown(new Set([...changed, ...[...before.keys()].filter((path) => !after.has(path))]))
    this.#owners.set(manager, new Set([...this.#owners.get(manager) ?? [], ...changed]))
  }

  #othersOwn (manager: string, path: string): boolean {
    return [...this.#owners].some(([owner, paths]) => owner !== manager && paths.has(path))
  }

  #disown (paths: ReadonlySet<string>): void {
    for (const [owner, owned] of this.#owners) this.#owners.set(owner, owned.difference(paths))
  }
}
