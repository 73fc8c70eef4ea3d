import type { StepMs } from '../window/window.ts'

/** The last 20 windows of a key at one step: [20 x 12], row-major, oldest first, silent steps as zero rows. */
export interface KeyTensor {
  readonly stepMs: StepMs
  readonly tensor: Float32Array
}
