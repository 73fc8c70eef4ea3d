import { Type, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { isMap, isNode, LineCounter, parseDocument, type Document } from 'yaml'
import { openTimeZone } from '../policy/time-zone.ts'
import { DEFAULT_SAFETY_FILE, SafetyFile } from './settings.ts'

const MAX_CHARACTERS = 262_144

export type SafetyFileRead =
  | { readonly outcome: 'read', readonly file: SafetyFile }
  /** Every problem, each with its line and its mend. */
  | { readonly outcome: 'refused', readonly problems: readonly string[] }

type Fields = Readonly<Record<string, unknown>>
interface Fault { readonly path: readonly (string | number)[], readonly message: string }

/** Reads the settings of safety: YAML whose keys are those of `SafetyFile`; what it leaves out is as by default. `from` names it in problems. */
export function readSafetyFile (text: string, from: string): SafetyFileRead {
  if (text.length > MAX_CHARACTERS) return refused([`${from}: ${text.length} characters are too many for settings. Use at most ${MAX_CHARACTERS}.`])
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, schema: 'core', merge: false })
  if (document.errors.length > 0) return refused(document.errors.map(({ message, pos }) => `${from}:${lines.linePos(pos[0]).line}: not valid YAML: ${message}. Correct the YAML here.`))
  if (document.contents !== null && !isMap(document.contents)) return refused([`${from}:1: settings are "name: value" lines. Write one of ${Object.keys(SafetyFile.properties).join(', ')}.`])
  const written: unknown = withoutAliases(document)
  if (written === undefined) return refused([`${from}: aliases (*name) are not taken in settings. Write the value out.`])
  const value = filled(DEFAULT_SAFETY_FILE, written)
  const checked = Value.Check(SafetyFile, value) ? value : null
  const found = checked === null ? faultsOf(SafetyFile, value, []) : zoneFaults(checked)
  if (checked !== null && found.length === 0) return { outcome: 'read', file: checked }
  const faults = found.map((fault) => ({ ...fault, line: lineOf(document, lines, fault.path) }))
  return refused(faults.toSorted((one, other) => one.line - other.line).map(({ line, message }) => `${from}:${line}: ${message}`))
}

const refused = (problems: readonly string[]): SafetyFileRead => ({ outcome: 'refused', problems })

function withoutAliases (document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 }) ?? {}
  } catch {
    return undefined // what it throws for an alias, and for nothing else
  }
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What is written, and beneath it what holds by default. A record of the author's own keys is theirs as a whole. */
function filled (defaults: Fields, written: unknown): unknown {
  if (!isFields(written)) return written
  const whole = Object.entries(defaults).map(([name, value]): [string, unknown] => {
    const said = written[name]
    return [name, said === undefined ? value : isFields(value) && Object.keys(value).length > 0 ? filled(value, said) : said]
  })
  return { ...written, ...Object.fromEntries(whole) }
}

function zoneFaults ({ maintenance }: SafetyFile): readonly Fault[] {
  return maintenance.flatMap(({ zone }, at) => openTimeZone(zone) === null ? [{ path: ['maintenance', at, 'zone'], message: `maintenance.${at}.zone is ${JSON.stringify(zone)}, which is no time zone. Write: one of IANA's, such as Europe/Berlin or UTC.` }] : [])
}

/** Down to the smallest part that is wrong, so that all are told at once. `meaning` is that of what it is in. */
function faultsOf (schema: TSchema, value: unknown, path: Fault['path'], above = ''): readonly Fault[] {
  const said: unknown = Reflect.get(schema, 'description')
  const meaning = typeof said === 'string' ? said : above
  if (Type.IsObject(schema) && isFields(value)) {
    const known = Object.entries(schema.properties)
    const unknown = Object.keys(value).filter((name) => !known.some(([key]) => key === name))
      .map((name): Fault => ({ path: [...path, name], message: `${[...path, name].join('.')} is no setting. Settings here are ${known.map(([key]) => key).join(', ')}.` }))
    return [...unknown, ...known.flatMap(([name, part]) => name in value || !Type.IsOptional(part) ? faultsOf(part, value[name], [...path, name], meaning) : [])]
  }
  if (Type.IsArray(schema) && Array.isArray(value)) {
    const items = value.flatMap((item: unknown, at) => faultsOf(schema.items, item, [...path, at], meaning))
    if (items.length > 0) return items
  }
  if (Value.Check(schema, value)) return []
  return [{ path, message: `${path.join('.')} is ${described(value)}. Write: ${meaning}` }]
}

const described = (value: unknown): string => value === undefined ? 'missing' : JSON.stringify(value).slice(0, 120)

function lineOf (document: Document, lines: LineCounter, path: Fault['path']): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range != null) return lines.linePos(node.range[0]).line
  }
  return 1
}
