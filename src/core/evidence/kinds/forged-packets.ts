import { number } from '../../explain/amount.ts'
import { destinationOf, sourceOf } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'

/** Packets in a minute: what a pod sends whose address was just taken away, and what only a tool sends. */
const STEPS: readonly (readonly [packets: number, strength: number])[] = [[3_000, 1], [300, 0.25]]

export const FORGED_PACKETS: EvidenceKind = {
  name: 'forged-packets',
  looksAt: 'packets that left a pod under addresses that are not its own, counted by its own observer, within the last minute: 3,000 in full, 300 a quarter; for a key with a source that is not known to be real any pod\'s, else those of the source',
  weights: { SYN_FLOOD: 1.5 },
  find: (facts): Finding | null => {
    const { forging } = facts
    const strength = forging === null ? undefined : STEPS.find(([packets]) => forging.packets >= packets)?.[1]
    if (forging === null || strength === undefined) return null
    const { key } = facts.score
    const beside = key.kind !== 'fan-in' && forging.addresses.includes(key.source)
      ? `${sourceOf(facts)} sends under its own address, too`
      : `${destinationOf(facts)} is sent packets by ${key.kind === 'fan-in' ? 'sources that nobody can prove' : `${sourceOf(facts)}, which nobody can prove`}`
    return { strength, sentence: `${number(forging.packets)} packets left ${forging.pod} within the last minute under addresses that are not its own, while ${beside}` }
  },
}
