/**
 * Reading of objects that the API server has already validated, by total functions: whatever is not of the expected
 * shape reads as absent, so that no object of a newer version, and no forged one, can make the audit fail.
 */
export type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The object at a path of fields; empty where there is none. */
export function fieldsAt (of: unknown, ...path: readonly string[]): Fields {
  const found = valueAt(of, ...path)
  return isFields(found) ? found : {}
}

export function valueAt (of: unknown, ...path: readonly string[]): unknown {
  let value = of
  for (const name of path) value = isFields(value) && Object.hasOwn(value, name) ? value[name] : undefined
  return value
}

export function listAt (of: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = valueAt(of, ...path)
  return Array.isArray(found) ? found : []
}

/** Empty where there is no text. */
export function textAt (of: unknown, ...path: readonly string[]): string {
  const found = valueAt(of, ...path)
  return typeof found === 'string' ? found : ''
}

export const isSet = (of: unknown, ...path: readonly string[]): boolean => valueAt(of, ...path) === true

export const textsAt = (of: unknown, ...path: readonly string[]): readonly string[] =>
  listAt(of, ...path).filter((item) => typeof item === 'string')

/** Labels or annotations. */
export const mapAt = (of: unknown, ...path: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(fieldsAt(of, ...path)).filter((pair): pair is [string, string] => typeof pair[1] === 'string'))

/** Whether two objects as the API server wrote them say the same; it writes fields in one order. */
export const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)
