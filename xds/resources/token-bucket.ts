import type { MessageInitShape } from '@bufbuild/protobuf'
import type { TokenBucketSchema } from '../../src/wire/gen/xds/envoy/type/v3/token_bucket_pb.js'
import type { Rate } from '../chain-measures.ts'
import { duration } from './pack.ts'

/** Envoy refuses a local_ratelimit bucket that is filled more often. */
const SHORTEST_FILL_MS = 50

/** Whole tokens at intervals that Envoy takes, so that `rate` a second come in over time. */
export function tokenBucket ({ rate, burst }: Rate): MessageInitShape<typeof TokenBucketSchema> {
  const tokensPerFill = Math.max(1, Math.ceil(rate * SHORTEST_FILL_MS / 1000))
  return { maxTokens: Math.max(tokensPerFill, Math.floor(burst)), tokensPerFill, fillInterval: duration(1000 * tokensPerFill / rate) }
}
