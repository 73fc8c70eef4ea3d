import { readFileSync } from 'node:fs'
import t from 'tap'
import { Type, type TSchema } from 'typebox'
import { DEFAULT_SAFETY_FILE, SafetyFile } from '../../../src/core/safety/settings.ts'

const DOC = new URL('../../../docs/SAFETY.md', import.meta.url)

const at = (value: unknown, name: string): unknown => Reflect.get(Object(value), name)
const said = (schema: TSchema): string => String(at(schema, 'description'))

/** A row a setting, as the document has it. */
function rows (schema: TSchema, defaults: unknown, path: readonly string[] = []): string[] {
  if (!Type.IsObject(schema)) return [`| \`${path.join('.')}\` | \`${JSON.stringify(defaults)}\` | ${said(schema)} |`]
  return Object.entries(schema.properties).flatMap(([name, part]) => rows(part, at(defaults, name), [...path, name]))
}

t.test('the document lists every setting with its default and its meaning', (t) => {
  const listed = readFileSync(DOC, 'utf8').split('\n').filter((line) => line.startsWith('| `'))
  t.strictSame(listed, rows(SafetyFile, DEFAULT_SAFETY_FILE))
  t.end()
})
