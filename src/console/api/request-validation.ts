import type { FastifySchemaCompiler } from 'fastify'
import type { TObject, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'

type Text = Readonly<Record<string, unknown>>

/** Turns the text of a query into what its schema names, exactly: `1.5` is no integer and `yes` no boolean. */
function fromText (schema: TObject, query: Text): Record<string, unknown> {
  return Object.fromEntries(Object.entries(query).map(([name, value]) => {
    const type: unknown = Reflect.get(Object.hasOwn(schema.properties, name) ? schema.properties[name] ?? {} : {}, 'type')
    if (type === 'integer' && typeof value === 'string' && /^\d{1,15}$/.test(value)) return [name, Number(value)]
    if (type === 'boolean' && (value === 'true' || value === 'false')) return [name, value === 'true']
    return [name, value]
  }))
}

const isObjectSchema = (schema: TSchema): schema is TObject => 'properties' in schema

/** Validates requests by TypeBox. Bodies and paths are taken as they are; queries are read from text and get their defaults. */
export const requestValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema)
  return (given: unknown) => {
    const value = httpPart === 'querystring' && isObjectSchema(schema)
      ? Value.Default(schema, fromText(schema, given as Text)) // fastify parses a query into an object of strings and arrays
      : given
    return check.Check(value) ? { value } : { error: check.Errors(value) }
  }
}
