import type { Facts } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'

export const ADMISSION: EvidenceKind = {
  name: 'admission',
  looksAt: 'a finding of at least medium severity at admission of the source\'s pod, within an hour before',
  weights: { LATERAL_MOVEMENT: 0.75, PORT_SCAN: 0.5, BRUTE_FORCE: 0.5, DATA_EXFILTRATION: 0.75 },
  find: ({ admission }: Facts): Finding | null => {
    const sentence = admission()
    return sentence === null ? null : { strength: 1, sentence }
  },
}
