import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { describedSize, type Prototypes } from '../../core/explain/nearest.ts'
import { AutoshieldError } from '../../core/errors.ts'
import { CONTEXT_COLUMNS } from '../../core/tensor/context.ts'
import { FEATURES } from '../../core/window/window.ts'

/** Some hundred are shipped. */
const MAX_EXAMPLES = 4_096

const closed = { additionalProperties: false } as const
/** Names come from whoever trained the model, and go to people's eyes: no control or formatting characters. */
const Name = Type.String({ minLength: 1, maxLength: 100, pattern: '^[^\\p{C}\\p{Zl}\\p{Zp}]*$' })
const numbers = (length: number) => Type.Array(Type.Number(), { minItems: length, maxItems: length })
const scaling = (columns: number) => Type.Object({ mean: numbers(columns), scale: numbers(columns) }, closed)

/** What training writes beside the graph; the manifest names it with its hash. */
const PrototypesFile = Type.Object({
  apiVersion: Type.Literal('autoshield.dev/v1alpha1'),
  kind: Type.Literal('ModelPrototypes'),
  tensorScaling: scaling(FEATURES.length),
  contextScaling: scaling(CONTEXT_COLUMNS.length),
  usualContext: Type.Record(Type.String({ pattern: '^(pair|fan-out|fan-in)/[0-9]{1,6}$' }), numbers(CONTEXT_COLUMNS.length)),
  examples: Type.Array(Type.Object({
    class: Name,
    tool: Name,
    run: Name,
    usualDistance: Type.Number({ minimum: 0 }),
    at: numbers(describedSize(CONTEXT_COLUMNS.length)),
  }, closed), { minItems: 1, maxItems: MAX_EXAMPLES }),
}, closed)

const MEND = 'restore it from the release, or train the model again'

/** Throws BAD_DATA where the text is not of the schema, or names a class that is none of `classes`. `path` is for the messages. */
export function parsePrototypes (text: string, path: string, classes: readonly string[]): Prototypes {
  const file = parseJson(text, path)
  if (!Value.Check(PrototypesFile, file)) {
    const [first] = Value.Errors(PrototypesFile, file)
    throw new AutoshieldError('BAD_DATA', `${path} holds no examples of a model: ${first?.instancePath || 'the document'} ${first?.message ?? 'is wrong'}; ${MEND}`)
  }
  const stranger = file.examples.find(({ class: name }) => !classes.includes(name))
  if (stranger !== undefined) throw new AutoshieldError('BAD_DATA', `${path} has an example of ${stranger.class}, the model's classes are ${classes.join(', ')}; ${MEND}`)
  const { apiVersion: _version, kind: _kind, ...prototypes }: Static<typeof PrototypesFile> = file
  return prototypes
}

function parseJson (text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AutoshieldError('BAD_DATA', `${path} is not JSON; ${MEND}`, { cause })
  }
}
