import { createHash } from 'node:crypto'
import { basename, dirname, extname, join } from 'node:path'
import { AutoshieldError } from '../../core/errors.ts'
import type { GoodOrigin } from '../../core/model/origin.ts'
import { CONTEXT_COLUMNS } from '../../core/tensor/context.ts'
import { FEATURES, TENSOR_WINDOWS } from '../../core/window/window.ts'
import type { Scorer } from '../../ports/scorer.ts'
import { checkGraph } from './check-graph.ts'
import { checkOrigin, type ModelTrust } from './check-origin.ts'
import { parseManifest, type ModelManifest } from './manifest.ts'
import { OnnxScorer } from './onnx-scorer.ts'
import { readBounded } from './read-bounded.ts'
import { readPrototypes, type FoundPrototypes } from './read-prototypes.ts'
import { openSession } from './session.ts'

export const MANIFEST_FILE = 'manifest.json'
/** The shipped model has 0.12 MB; past this a file is taken for something else before it is read. */
const MAX_MODEL_BYTES = 16 * 2 ** 20
const MAX_MANIFEST_BYTES = 4 * 2 ** 20

/** How far a golden vector's probabilities may be from the manifest's: float32 sums in another order differ by about 1e-7. */
const GOLDEN_TOLERANCE = 1e-4

export interface LoadOptions {
  /** Whose models are believed; without it, anybody's: for tools that judge a model and let nothing follow from it. */
  readonly trust?: ModelTrust
  /** Ask for CUDA. Where it is not to be had, `warn` says so and the CPU scores. */
  readonly useGpu?: boolean
  readonly warn?: (message: string) => void
}

/** A model whose files agree with each other; nothing of it has run yet. */
export interface CheckedModel {
  readonly manifest: ModelManifest
  /** Of the graph. */
  readonly path: string
  readonly graph: Buffer
  /** null where nobody was asked to vouch for it. */
  readonly origin: GoodOrigin | null
  readonly prototypes: FoundPrototypes
}

/**
 * Reads the model of a folder (or of the .onnx file in it, for MODEL_PATH), and holds it to its manifest, hash and closed list of operators, and
 * to whoever vouches for it. Its examples are nothing that a score rests on: where they are broken, it goes on without. Throws NOT_FOUND, BAD_DATA,
 * or UNTRUSTED where a file is not what its manifest says.
 */
export async function readModel (path: string, { trust, warn = () => undefined }: Omit<LoadOptions, 'useGpu'> = {}): Promise<CheckedModel> {
  const { manifest, manifestPath } = await readManifest(path)
  const origin = trust === undefined ? null : checkOrigin(manifest, manifestPath, trust)
  if (origin === 'unsigned-allowed') warn(`${manifestPath} is not signed; it is used because unsigned models are allowed`)
  const modelPath = join(dirname(manifestPath), manifest.file)
  const graph = await readBounded(modelPath, MAX_MODEL_BYTES)
  checkHash(modelPath, graph, manifest)
  checkGraph(graph, modelPath)
  const prototypes = await readPrototypes(manifest, dirname(manifestPath))
  if (prototypes.state === 'refused') warn(`${prototypes.problem}; the model scores without examples of its training`)
  return { manifest, path: modelPath, graph, origin, prototypes }
}

/** The manifest of a folder, or of an .onnx file, parsed; nothing is said of the graph. Throws as `readModel` does. */
export async function readManifest (path: string): Promise<{ readonly manifest: ModelManifest, readonly manifestPath: string }> {
  const folder = extname(path) === '.onnx' ? dirname(path) : path
  const manifestPath = join(folder, MANIFEST_FILE)
  const manifest = parseManifest((await readBounded(manifestPath, MAX_MANIFEST_BYTES)).toString('utf8'), manifestPath)
  if (extname(path) === '.onnx' && basename(path) !== manifest.file) {
    throw new AutoshieldError('UNTRUSTED', `${path} is not the model of ${manifestPath}, which names ${manifest.file}; give the folder, or the file that the manifest names`)
  }
  return { manifest, manifestPath }
}

/**
 * Loads a model, and only if all that `readModel` checks, its shapes and its golden vectors agree. The bytes that were hashed are the
 * bytes that run. Throws as `readModel` does.
 */
export async function loadModel (path: string, options: LoadOptions = {}): Promise<Scorer> {
  const { manifest, path: modelPath, graph, prototypes } = await readModel(path, options)
  await using failing = new AsyncDisposableStack()
  const session = failing.use(await openSession(graph, modelPath, options))
  const shapes = { tensor: [TENSOR_WINDOWS, FEATURES.length], context: [CONTEXT_COLUMNS.length], probabilities: [manifest.classes.length] }
  const found = session.shapes()
  if (JSON.stringify(found) !== JSON.stringify(shapes)) {
    throw new AutoshieldError('UNTRUSTED', `${modelPath} takes and gives ${JSON.stringify(found)}, its manifest says ${JSON.stringify(shapes)}; restore both from one release`)
  }
  const scorer = new OnnxScorer(session, manifest, prototypes.state === 'read' ? prototypes.prototypes : null)
  await checkGolden(scorer, manifest, modelPath)
  failing.move() // from here on the session is the caller's to end
  return scorer
}

/** Rejects as `loadModel` does where a model cannot be used; keeps nothing of it. */
export async function tryToLoad (path: string, options: LoadOptions): Promise<void> {
  const scorer = await loadModel(path, options)
  await scorer[Symbol.asyncDispose]()
}

function checkHash (path: string, bytes: Buffer, manifest: ModelManifest): void {
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found === manifest.sha256 && bytes.length === manifest.bytes) return
  throw new AutoshieldError('UNTRUSTED',
    `${path} is not the file that its manifest describes: expected sha256 ${manifest.sha256} (${manifest.bytes} bytes), found ${found} (${bytes.length} bytes); restore it from the release, or run \`npm run train\``)
}

async function checkGolden (scorer: Scorer, manifest: ModelManifest, path: string): Promise<void> {
  const { golden } = manifest
  const found = await scorer.score(golden.length,
    Float32Array.from(golden.flatMap(({ tensor }) => tensor)), Float32Array.from(golden.flatMap(({ context }) => context)))
  const expected = golden.flatMap(({ probabilities }) => probabilities)
  // Written so that NaN fails.
  const at = expected.findIndex((value, index) => !(Math.abs(value - (found[index] ?? NaN)) <= GOLDEN_TOLERANCE))
  if (at < 0) return
  const [vector, index] = [Math.floor(at / manifest.classes.length), at % manifest.classes.length]
  throw new AutoshieldError('UNTRUSTED',
    `${path} does not compute what its manifest promises: golden[${vector}] ${manifest.classes[index] ?? ''} is ${found[at] ?? NaN}, expected ${expected[at] ?? NaN}; restore both from one release`)
}
