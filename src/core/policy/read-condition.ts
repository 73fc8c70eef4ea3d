import { isScalar } from 'yaml'
import type { Condition } from './condition/condition.ts'
import { parseCel } from './condition/cel/parse-cel.ts'
import { parseCondition, type ParsedCondition } from './condition/parse-condition.ts'
import { REFUSED, text, type Reader } from './readers.ts'

/** A condition in the syntax of AutoShield-K8s, or in CEL. */
export const readCondition = readWritten(parseCondition)
export const readCel = readWritten(parseCel)

/** Faults inside the condition are placed in the file, also inside a block of several lines. */
function readWritten (parse: (text: string) => ParsedCondition): Reader<Condition> {
  return (place, findings) => {
    const written = text(5000, 'Write a comparison, such as features.bytes_sent > 10000000')(place, findings)
    if (written === REFUSED) return REFUSED
    const parsed = parse(written)
    if (parsed.ok) return parsed.condition
    const source = isScalar(place.node) && place.node.range ? findings.text.slice(place.node.range[0], place.node.range[1]) : written
    for (const { offset, message, mend } of parsed.faults) {
      findings.add(place.offset + offsetInSource(source, written, offset), place.path, message, mend)
    }
    return REFUSED
  }
}

/**
 * Where the character at `offset` of a scalar's value stands in its source: behind a block's header or a quote, with
 * indents, folds and escapes between. Characters that are not space appear in both in one order, so they are followed.
 */
function offsetInSource (source: string, value: string, offset: number): number {
  const header = /^[|>][^\n]*\n/.exec(source)
  let at = header?.[0].length ?? (/^["']/.test(source) ? 1 : 0)
  for (let index = 0; index < value.length && index <= offset; index++) {
    const character = value[index] ?? ''
    if (/\s/.test(character)) continue
    const found = source.indexOf(character, at)
    if (found === -1) return at
    if (index === offset) return found
    at = found + 1
  }
  return at
}
