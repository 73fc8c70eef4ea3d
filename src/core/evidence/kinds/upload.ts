import { bytes, number } from '../../explain/amount.ts'
import { FEATURES } from '../../window/window.ts'
import { destinationOf, sourceOf, sumOf } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'

/** Less in the span is no volume. */
const LEAST_BYTES = 50_000
/** Times what the key usually sends in a window. */
const BEYOND_USUAL = 10
const WITHIN_USUAL = 3
/** Times what came back. */
const LOPSIDED = 5
/** Backups and deliveries look the same. */
const WITHOUT_PAST = 0.25

const [SENT, RECEIVED] = [FEATURES.indexOf('bytes_sent'), FEATURES.indexOf('bytes_received')]

export const UPLOAD: EvidenceKind = {
  name: 'upload',
  looksAt: 'payload sent on a pair, at least 50 kB and five times what comes back: in full at ten times the pair\'s own usual; without a past a quarter; against, where it is usual',
  weights: { DATA_EXFILTRATION: 1 },
  find: (facts): Finding | null => {
    if (facts.score.key.kind !== 'pair') return null
    const [sent, received] = [sumOf(facts, 'bytes_sent'), sumOf(facts, 'bytes_received')]
    if (sent < LEAST_BYTES || sent < LOPSIDED * received) return null
    const to = `${sourceOf(facts)} sent ${bytes(sent)} to ${destinationOf(facts)} and got ${bytes(received)}`
    if (facts.usual === null) return { strength: WITHOUT_PAST, sentence: `${to}; what is usual for them is not known yet` }
    const now = facts.score.window.features[SENT] ?? 0
    const [usualSent, usualReceived] = [facts.usual[SENT] ?? 0, facts.usual[RECEIVED] ?? 0]
    if (now <= WITHIN_USUAL * usualSent) return { strength: -1, sentence: `${to}, as it usually does` }
    if (now < BEYOND_USUAL * usualSent) return null
    return { strength: 1, sentence: `${to}; in this window ${number(now / Math.max(1, usualSent))} times its usual${usualReceived > usualSent ? ', and it usually gets more than it sends' : ''}` }
  },
}
