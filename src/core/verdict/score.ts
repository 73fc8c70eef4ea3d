import type { StepMs, Window, WindowKey } from '../window/window.ts'

/** What a detector says of one key at one closed window. The reporter is the identity of the observer that saw it. */
export interface Score {
  /** SPIFFE ID of the observer. */
  readonly reporter: string
  readonly key: WindowKey
  readonly stepMs: StepMs
  /** Number of the newest window in the tensor. */
  readonly windowNumber: number
  /** One probability a class, in the order of the manifest's classes; sums to 1. */
  readonly probabilities: Float32Array
  /** [20 x 12], row-major, oldest window first; silent steps are zero rows. */
  readonly tensor: Float32Array
  /** The model's context columns, in the manifest's order. */
  readonly context: Float32Array
  /** Flows of the tensor's windows whose source is not known to be real. */
  readonly unproved: number
  /** The newest window itself: its counters and ports are evidence beside the tensor. */
  readonly window: Window
  /** Unix ms at which the detector received the newest window. */
  readonly receivedAtMs: number
  /** True where the observer replays a recording. */
  readonly simulated: boolean
}
