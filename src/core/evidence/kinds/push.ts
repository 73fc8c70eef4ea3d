import { bytes } from '../../explain/amount.ts'
import { destinationOf, sourceOf, sumOf, type Facts } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'
import { managementPort } from './management-port.ts'

/** A login with its handshake sends about 4 kB; who works or reads gets more than it sends. */
const LEAST_BYTES = 4_000
const TIMES_RECEIVED = 2

export const PUSH: EvidenceKind = {
  name: 'push',
  looksAt: 'at least 4 kB and twice what comes back, sent to a management port: tools are brought before they are run',
  weights: { LATERAL_MOVEMENT: 1 },
  find: (facts: Facts): Finding | null => {
    const port = facts.past === null ? null : managementPort(facts)
    if (port === null || port.strength < 0.5) return null
    const [sent, received] = [sumOf(facts, 'bytes_sent'), sumOf(facts, 'bytes_received')]
    if (sent < LEAST_BYTES || sent < TIMES_RECEIVED * received) return null
    return { strength: 1, sentence: `${sourceOf(facts)} sent ${bytes(sent)} to ${port.name} of ${destinationOf(facts)} and got ${bytes(received)}` }
  },
}
