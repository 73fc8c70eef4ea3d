import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../core/errors.ts'
import { Detection } from '../core/verdict/detection.ts'
import { readInput } from './read-input.ts'

const one = Compile(Detection)
const page = Compile(Type.Object({ items: Type.Array(Type.Unknown()) }))

/** Detections of a file: a line each, as `autoshield detections list -o json` prints them, or a page of the API. Throws BAD_DATA with the place, or NOT_FOUND. */
export async function detectionsFile (file: string): Promise<readonly Detection[]> {
  const text = await readInput(file, 'file with recorded detections')
  const whole = parsed(text)
  const values = whole.ok
    ? itemsOf(whole.value)
    : text.split('\n').flatMap((line, index): unknown[] => {
      if (line.trim() === '') return []
      const read = parsed(line)
      if (!read.ok) throw new AutoshieldError('BAD_DATA', `${file}:${index + 1}: it is no JSON: write one detection a line, as 'autoshield detections list -o json' does.`)
      return [read.value]
    })
  return values.map((value, index) => {
    if (one.Check(value)) return value
    const [first] = one.Errors(value)
    throw new AutoshieldError('BAD_DATA', `${file}: detection ${index + 1} cannot be understood (${first?.instancePath ?? ''} ${first?.message ?? ''}): take what 'autoshield detections list -o json' or /api/v1/detections gives.`)
  })
}

function parsed (text: string): { readonly ok: true, readonly value: unknown } | { readonly ok: false } {
  try {
    return { ok: true, value: JSON.parse(text) as unknown }
  } catch {
    return { ok: false } // several lines, or none of JSON: the caller tells which
  }
}

const itemsOf = (value: unknown): readonly unknown[] => page.Check(value) ? value.items : Array.isArray(value) ? value : [value]
