import { InferenceSession, Tensor } from 'onnxruntime-node'
import { AutoshieldError } from '../../core/errors.ts'
import { FEATURES, TENSOR_WINDOWS } from '../../core/window/window.ts'

/** One thread: a second one costs more in hand-over than it gains at these sizes, and the detector shares its cores with others. */
const ONE_THREAD = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all' } as const
/** The bytes are ONNX, as they were checked, and never taken for the runtime's own format. */
const ONNX_ALONE = { extra: { session: { load_model_format: 'ONNX' } } } as const

/** A graph that runs. */
export class Session implements AsyncDisposable {
  readonly #session: InferenceSession

  constructor (session: InferenceSession) {
    this.#session = session
  }

  /** Sizes of each input and output by name, without the batch; null where one is not a float32 tensor. */
  shapes (): Record<string, readonly (number | string)[] | null> {
    const all = [...this.#session.inputMetadata, ...this.#session.outputMetadata]
    return Object.fromEntries(all.map((value) => [value.name, value.isTensor && value.type === 'float32' ? value.shape.slice(1) : null]))
  }

  /** Probabilities of `count` rows. The result is the runtime's own buffer: copy what should last. */
  async run (count: number, tensors: Float32Array, contexts: Float32Array): Promise<Float32Array> {
    const { probabilities } = await this.#session.run({
      tensor: new Tensor('float32', tensors, [count, TENSOR_WINDOWS, FEATURES.length]),
      context: new Tensor('float32', contexts, [count, contexts.length / count]),
    })
    if (!(probabilities?.data instanceof Float32Array)) throw new AutoshieldError('INTERNAL', 'the model gave no float32 probabilities')
    return probabilities.data
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.#session.release()
  }
}

/** Makes a session of a graph in memory. Throws BAD_DATA where the runtime does not understand it. */
export async function openSession (bytes: Uint8Array, path: string, { useGpu = false, warn = () => undefined }: { useGpu?: boolean, warn?: (message: string) => void }): Promise<Session> {
  if (useGpu) {
    try {
      return new Session(await InferenceSession.create(bytes, { ...ONE_THREAD, ...ONNX_ALONE, executionProviders: ['cuda', 'cpu'] }))
    } catch (cause) {
      // Whatever is wrong with CUDA here (no library, no driver, no card), the CPU can do the work.
      warn(`USE_GPU is set, but the CUDA provider cannot be used (${firstLine(cause)}); scoring on the CPU`)
    }
  }
  try {
    return new Session(await InferenceSession.create(bytes, { ...ONE_THREAD, ...ONNX_ALONE, executionProviders: ['cpu'] }))
  } catch (cause) {
    throw new AutoshieldError('BAD_DATA', `${path} is no graph that ONNX Runtime can load (${firstLine(cause)}); restore it from the release, or run \`npm run train\``, { cause })
  }
}

const firstLine = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown)).split('\n', 1)[0] ?? ''
