import { isAlias, isMap, isNode, isScalar, isSeq, type Pair } from 'yaml'
import type { Findings } from './findings.ts'
import { mendWord } from './nearest.ts'

/** A value of the document and where it stands. `offset` is its key's where it has no text of its own. */
export interface Place {
  readonly node: unknown
  readonly path: string
  readonly offset: number
}

/** The value was bad, and the findings say why. */
export const REFUSED = Symbol('refused')

export type Reader<T> = (place: Place, findings: Findings) => T | typeof REFUSED

export interface Field<T> {
  readonly read: Reader<T>
  readonly missing: { readonly value: T } | { readonly mend: string }
}

export const required = <T>(read: Reader<T>, mend: string): Field<T> => ({ read, missing: { mend } })
export const optional = <T>(read: Reader<T>, value: T): Field<T> => ({ read, missing: { value } })

export function placeOf (node: unknown, path: string, fallbackOffset: number): Place {
  const offset = isNode(node) ? node.range?.[0] : undefined
  return { node, path, offset: offset ?? fallbackOffset }
}

/** How the value looks to its author, for messages: `the text "12"`, `a list`. */
function describe (node: unknown): string {
  if (isAlias(node)) return 'an alias'
  if (isMap(node)) return 'a block of keys'
  if (isSeq(node)) return 'a list'
  const value: unknown = isScalar(node) ? node.value : null
  if (value === null || value === undefined) return 'empty'
  if (typeof value === 'string') return `the text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`
  return typeof value === 'number' || typeof value === 'boolean' ? `the ${typeof value} ${value}` : 'something else'
}

function refuse (place: Place, findings: Findings, mend: string): typeof REFUSED {
  findings.add(place.offset, place.path, `is ${describe(place.node)}`, mend)
  return REFUSED
}

const scalar = (place: Place): unknown => isScalar(place.node) ? place.node.value : undefined

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u

/** Text of 1 to `max` characters without control characters: it reaches logs, labels and terminals. */
export function text (max: number, mend: string): Reader<string> {
  return (place, findings) => {
    const value = scalar(place)
    if (typeof value !== 'string' || value.trim() === '') return refuse(place, findings, mend)
    if (value.length > max) {
      findings.add(place.offset, place.path, `has ${value.length} characters`, `Use at most ${max}`)
      return REFUSED
    }
    if (CONTROL.test(value.replaceAll('\n', ' '))) {
      findings.add(place.offset, place.path, 'has control characters', 'Remove them')
      return REFUSED
    }
    return value
  }
}

export function number (min: number, max: number, kind: 'whole' | 'any', mend: string): Reader<number> {
  return (place, findings) => {
    const value = scalar(place)
    if (typeof value !== 'number' || !Number.isFinite(value)) return refuse(place, findings, mend)
    const fits = value >= min && value <= max && (kind === 'any' || Number.isInteger(value))
    return fits ? value : refuse(place, findings, mend)
  }
}

export const truth: Reader<boolean> = (place, findings) => {
  const value = scalar(place)
  return typeof value === 'boolean' ? value : refuse(place, findings, 'Write true or false, without quotes')
}

export function oneOf<const T extends string> (choices: readonly T[]): Reader<T> {
  return (place, findings) => {
    const value = scalar(place)
    const found = choices.find((choice) => choice === value)
    if (found !== undefined) return found
    return refuse(place, findings, typeof value === 'string' ? mendWord(value, choices) : `Use one of: ${choices.join(', ')}`)
  }
}

/** Bad items are reported and the others still read, so that all problems show at once. */
export function list<T> (item: Reader<T>, min: number, max: number, mend: string): Reader<readonly T[]> {
  return (place, findings) => {
    if (!isSeq(place.node)) return refuse(place, findings, mend)
    const { items } = place.node
    if (items.length < min || items.length > max) {
      findings.add(place.offset, place.path, `has ${items.length} entries`, items.length > max ? `Use at most ${max}` : mend)
      return REFUSED
    }
    const read = items.map((node, index) => item(placeOf(node, `${place.path}[${index}]`, place.offset), findings))
    const good = read.flatMap((value) => value === REFUSED ? [] : [value])
    return good.length === read.length ? good : REFUSED
  }
}

/** The places of a block's keys. Unknown keys, and keys given twice, are reported. null where it is no block. */
export function keysOf (place: Place, known: readonly string[], findings: Findings, mend: string): ReadonlyMap<string, Place> | null {
  if (!isMap(place.node)) {
    refuse(place, findings, mend)
    return null
  }
  const places = new Map<string, Place>()
  for (const pair of place.node.items) {
    const { name, offset } = keyOf(pair, place.offset)
    const path = place.path === '' ? name : `${place.path}.${name}`
    const before = places.get(name)
    if (!known.includes(name)) findings.add(offset, path, 'is not a known key', mendWord(name, known))
    else if (before !== undefined) findings.add(offset, path, `is given twice, first in line ${findings.lineOf(before.offset)}`, 'Keep one of the two')
    else places.set(name, placeOf(pair.value, path, offset))
  }
  return places
}

function keyOf (pair: Pair, fallbackOffset: number): { name: string, offset: number } {
  const value: unknown = isScalar(pair.key) ? pair.key.value : null
  const name = typeof value === 'string' ? value.slice(0, 80) : describe(pair.key)
  return { name, offset: placeOf(pair.key, '', fallbackOffset).offset }
}

/** A block with a closed set of keys. */
export function record<T extends object> (fields: { readonly [K in keyof T]: Field<T[K]> }, mend: string): Reader<T> {
  const names = Object.keys(fields) as (keyof T & string)[]
  return (place, findings) => {
    const places = keysOf(place, names, findings, mend)
    if (places === null) return REFUSED
    const result: Partial<T> = {}
    for (const name of names) {
      const value = readField(fields[name], name, place, places.get(name), findings)
      if (value !== REFUSED) result[name] = value
    }
    return names.every((name) => name in result) ? result as T : REFUSED
  }
}

function readField<T> (field: Field<T>, name: string, block: Place, place: Place | undefined, findings: Findings): T | typeof REFUSED {
  if (place !== undefined) return field.read(place, findings)
  if ('value' in field.missing) return field.missing.value
  findings.add(block.offset, block.path, `lacks ${JSON.stringify(name)}`, field.missing.mend)
  return REFUSED
}

export function mapped<T, U> (read: Reader<T>, make: (value: T) => U): Reader<U> {
  return (place, findings) => {
    const value = read(place, findings)
    return value === REFUSED ? REFUSED : make(value)
  }
}
