import type { Facts } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'

export const ADMISSION: EvidenceKind = {
  name: 'admission',
  looksAt: 'what was found at admission of the source\'s pod within an hour before (a privileged pod, a way round injection, a foreign change)',
  weights: { LATERAL_MOVEMENT: 0.75, PORT_SCAN: 0.5, BRUTE_FORCE: 0.5, DATA_EXFILTRATION: 0.75 },
  find: ({ admission }: Facts): Finding | null => admission === null ? null : { strength: 1, sentence: admission },
}
