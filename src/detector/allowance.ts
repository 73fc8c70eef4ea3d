import { TokenBucket } from '../core/token-bucket.ts'
import type { Limits } from './limits.ts'
import type { ReporterScope } from './reporter-scope.ts'

/** The mean that a rate is taken over. */
const RATE_SECONDS = 10
/** A replay is paced by its credits alone. */
const NO_RATE = 0xffff_ffff

/** What an observer of this scope is told to keep to: the Config of ingest.proto. */
export function configFor (scope: ReporterScope, limits: Limits) {
  const { maxBatchWindows, silenceMs, stepsMs } = limits
  return { maxBatchWindows, maxWindowsPerSecond: perSecond(scope, limits), silenceMs, stepsMs: [...stepsMs] }
}

/** Windows and counts that it may send from now on, full at first. */
export const rateFor = (scope: ReporterScope, limits: Limits, nowMs: number): TokenBucket =>
  new TokenBucket({ perSecond: perSecond(scope, limits), seconds: RATE_SECONDS, nowMs })

const perSecond = ({ kind }: ReporterScope, { maxWindowsPerSecond }: Limits): number => kind === 'replay' ? NO_RATE : maxWindowsPerSecond
