import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { CLASS_NAME } from '../../core/classes.ts'
import { AutoshieldError } from '../../core/errors.ts'
import { Known } from '../../core/drift/known.ts'
import { TechniquesByClass, wrongTechniques } from '../../core/model/own-technique.ts'
import { CONTEXT_COLUMNS } from '../../core/tensor/context.ts'
import { TENSOR_SIZE } from '../../core/tensor/tensor-table.ts'
import { FEATURES, FEATURE_SCHEMA, TENSOR_WINDOWS } from '../../core/window/window.ts'

const Probability = Type.Number({ minimum: 0, maximum: 1 })
const Names = Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { minItems: 1, maxItems: 256 })

const GoldenVector = Type.Object({
  tensor: Type.Array(Type.Number(), { description: '[20 x 12], row-major, raw values.' }),
  context: Type.Array(Type.Number()),
  probabilities: Type.Array(Probability, { description: 'What the model gave when it was trained.' }),
}, { additionalProperties: false })

const ClassNames = Type.Array(Type.String({ pattern: CLASS_NAME }), { minItems: 2, maxItems: 64, description: 'In the order of the outputs; the first is BENIGN.' })

/** What training writes beside the graph. Nothing of the graph is used before all of it agrees. */
export const ModelManifest = Type.Object({
  apiVersion: Type.Literal('autoshield.dev/v1alpha1'),
  kind: Type.Literal('ModelManifest'),
  version: Type.String({ minLength: 1, maxLength: 100 }),
  file: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*\\.onnx$', description: 'The graph, in the same folder.' }),
  bytes: Type.Integer({ minimum: 1 }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  featureSchema: Type.String(),
  windows: Type.Integer(),
  features: Names,
  contextColumns: Names,
  classes: ClassNames,
  techniques: Type.Optional(TechniquesByClass),
  thresholds: Type.Array(Probability, { description: 'By class: the probability at which one window is enough; 1 for the first, which is no attack.' }),
  calibration: Type.Object({ temperature: Type.Number({ exclusiveMinimum: 0 }), note: Type.String() }, { additionalProperties: false }),
  golden: Type.Array(GoldenVector, { minItems: 1, maxItems: 32 }),
  usual: Type.Record(Type.String(), Type.Array(Type.Number()), { description: 'Medians of benign training windows that are not silent, by "kind/step in ms".' }),
  prototypes: Type.Optional(Type.Object({
    file: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*\\.json$', description: 'Examples of what it was trained on, in the same folder.' }),
    bytes: Type.Integer({ minimum: 1 }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  }, { additionalProperties: false })),
  known: Type.Optional(Known),
  metrics: Type.Record(Type.String(), Type.Unknown()),
  data: Type.Array(Type.Object({ source: Type.String(), licence: Type.String(), note: Type.String() }, { additionalProperties: false })),
  signature: Type.Optional(Type.Object({
    keyId: Type.String({ pattern: '^[0-9a-f]{16}$' }),
    value: Type.String({ pattern: '^[A-Za-z0-9+/]{86}==$', description: 'Ed25519, in Base64, over the canonical JSON of the manifest without this field.' }),
  }, { additionalProperties: false })),
}, { additionalProperties: false })
export type ModelManifest = Static<typeof ModelManifest>

const MEND = 'restore the models folder from the release, or run `npm run train` for a new model'

/** Parses a manifest and holds it to this program's features. `path` is for the messages. Throws BAD_DATA. */
export function parseManifest (text: string, path: string): ModelManifest {
  const manifest = parseJson(text, path)
  if (!Value.Check(ModelManifest, manifest)) {
    const [first] = Value.Errors(ModelManifest, manifest)
    const wrong = first?.keyword === 'boolean' ? 'is no field of it' : first?.message ?? 'is wrong'
    throw new AutoshieldError('BAD_DATA', `${path} is no model manifest: ${first?.instancePath || 'the document'} ${wrong}; ${MEND}`)
  }
  const expect = (what: string, found: unknown, expected: unknown): void => {
    if (JSON.stringify(found) === JSON.stringify(expected)) return
    throw new AutoshieldError('BAD_DATA', `${path}: ${what} is ${JSON.stringify(found)}, this program has ${JSON.stringify(expected)}; ${MEND}`)
  }
  expect('featureSchema', manifest.featureSchema, FEATURE_SCHEMA)
  expect('windows', manifest.windows, TENSOR_WINDOWS)
  expect('features', manifest.features, FEATURES)
  expect('contextColumns', manifest.contextColumns, CONTEXT_COLUMNS)
  expect('the first of classes', manifest.classes[0], 'BENIGN')
  expect('classes without repetition', manifest.classes, [...new Set(manifest.classes)])
  const wrong = wrongTechniques(manifest.techniques ?? {}, manifest.classes)
  if (wrong !== null) throw new AutoshieldError('BAD_DATA', `${path}: ${wrong}; name it anew where the training set is exported (--class), or run \`npm run train\` again`)
  expect('the number of thresholds', manifest.thresholds.length, manifest.classes.length)
  for (const [index, golden] of manifest.golden.entries()) {
    const lengths = [golden.tensor.length, golden.context.length, golden.probabilities.length]
    expect(`the shape of golden[${index}]`, lengths, [TENSOR_SIZE, CONTEXT_COLUMNS.length, manifest.classes.length])
  }
  for (const [key, usual] of Object.entries(manifest.usual)) expect(`the length of usual["${key}"]`, usual.length, FEATURES.length)
  if (manifest.known !== undefined) expect('the length of known.shares', manifest.known.shares.length, FEATURES.length)
  return manifest
}

function parseJson (text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AutoshieldError('BAD_DATA', `${path} is not JSON; ${MEND}`, { cause })
  }
}
