import type { Score } from '../verdict/score.ts'

/** The last 20 windows of a key at one step; any `Score` is one. */
export type KeyTensor = Pick<Score, 'stepMs' | 'windowNumber' | 'tensor'>
