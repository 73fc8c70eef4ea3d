import { duration } from '../../explain/amount.ts'
import { sourceOf, type Facts } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'

const REMEMBER_MS = 30 * 60_000

/** How much an attack on a host says of what the host does next. */
const SAYS: Readonly<Record<string, number>> = { LATERAL_MOVEMENT: 1, BRUTE_FORCE: 0.75, PORT_SCAN: 0.25 }

export const HOP: EvidenceKind = {
  name: 'hop',
  looksAt: 'an open detection that has the source as its target, at most 30 minutes old: lateral movement in full, guessing three quarters, a scan a quarter',
  weights: { LATERAL_MOVEMENT: 1, PORT_SCAN: 0.5, BRUTE_FORCE: 0.5, DATA_EXFILTRATION: 1 },
  find: (facts: Facts): Finding | null => {
    const { attacked, atMs } = facts
    const strength = SAYS[attacked?.className ?? '']
    if (attacked === null || strength === undefined || atMs - attacked.atMs > REMEMBER_MS) return null
    return { strength, sentence: `${sourceOf(facts)} was itself attacked (${attacked.className}${attacked.source === null ? '' : ` from ${attacked.source}`}) ${duration(Math.max(1, atMs - attacked.atMs) / 1000)} before` }
  },
}
