import { number } from '../../explain/amount.ts'
import { contextOf, destinationOf, peakOf, spanSeconds, sumOf } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'

/** Connection requests a second: what no client needs, and what a service under load sees at most. */
const FLOOD = 500
const MUCH = 40
/** Payload bytes to the destination for each request: a connection that is used carries some. */
const USED_BYTES = 1
/** Requests for each distinct port: a scan asks each once or twice. */
const REPEATED = 5
/** No scanner asks so fast, whatever the ports. */
const BEYOND_SCANS = 5_000

export const HALF_OPEN: EvidenceKind = {
  name: 'half-open',
  looksAt: 'connection requests to one destination over which nothing is sent: from 40 a second a tenth, from 500 in full, where each port is asked at least five times or 5,000 come in a second',
  weights: { SYN_FLOOD: 3 },
  find: (facts): Finding | null => {
    if (facts.score.key.kind === 'fan-out') return null
    const requests = sumOf(facts, 'syn_count')
    if (sumOf(facts, 'bytes_sent') > USED_BYTES * requests) return null
    const rate = Math.max(requests / spanSeconds(facts), peakOf(facts, 'syn_count') / (facts.score.stepMs / 1000))
    const ports = Math.max(1, contextOf(facts, 'distinct_ports'))
    if (rate < MUCH || (requests < REPEATED * ports && rate < BEYOND_SCANS)) return null
    return { strength: rate >= FLOOD ? 1 : 0.1, sentence: `${destinationOf(facts)} was sent ${number(rate)} connection requests a second that carried nothing` }
  },
}
