/** A schema as a CustomResourceDefinition takes it: OpenAPI v3 in structural form. */
export type StructuralSchema = Readonly<Record<string, unknown>>

/** What structural schemas have beside type, enum and children, under the same names as JSON Schema. */
const KEPT = ['description', 'format', 'pattern', 'minLength', 'maxLength', 'minItems', 'maxItems', 'minimum', 'maximum', 'required', 'default']
const EXTENSION = 'x-kubernetes-'

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Turns a schema of TypeBox into a structural one: each value has one type, a choice of texts is an enum, a map is
 * `additionalProperties`. Fields that nobody named are pruned by the API server, so that closed objects need no word.
 * Throws for what has no structural form, with its place.
 */
export function structuralSchema (schema: unknown, place = ''): StructuralSchema {
  if (!isRecord(schema)) throw new Error(`${place}: no schema`)
  const texts = textsOf(schema)
  const type = texts === null ? schema['type'] : 'string'
  if (typeof type !== 'string') throw new Error(`${place}: a value of several types has no structural form; store it in another way`)
  const entries = Object.entries(schema)
  return {
    ...Object.fromEntries(entries.filter(([key]) => key === 'description')),
    type,
    ...(texts !== null && { enum: texts }),
    ...Object.fromEntries(entries.filter(([key]) => key !== 'description' && (KEPT.includes(key) || key.startsWith(EXTENSION)))),
    ...(typeof schema['exclusiveMinimum'] === 'number' && { minimum: schema['exclusiveMinimum'], exclusiveMinimum: true }),
    ...childrenOf(schema, type, place),
  }
}

function childrenOf (schema: Readonly<Record<string, unknown>>, type: string, place: string): StructuralSchema {
  if (type === 'array') return { items: structuralSchema(schema['items'], `${place}[]`) }
  const { properties, patternProperties } = schema
  if (isRecord(patternProperties)) return { additionalProperties: structuralSchema(Object.values(patternProperties)[0], `${place}.*`) }
  if (!isRecord(properties)) return {}
  return { properties: Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, structuralSchema(inner, `${place}.${name}`)])) }
}

/** The texts that a value may be, whichever way the schema says so; null where it is no choice of texts. */
function textsOf ({ anyOf, const: literal, enum: values }: Readonly<Record<string, unknown>>): readonly string[] | null {
  const choices: readonly unknown[] | null = Array.isArray(values) ? values : literal !== undefined ? [literal] : null
  if (choices !== null) return choices.every((choice) => typeof choice === 'string') ? choices : null
  if (!Array.isArray(anyOf)) return null
  const parts = anyOf.map((part) => isRecord(part) ? textsOf(part) : null)
  return parts.includes(null) ? null : parts.flatMap((part) => part ?? [])
}
