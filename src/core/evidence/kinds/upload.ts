import { bytes, number } from '../../explain/amount.ts'
import { uploadOf } from '../amounts.ts'
import { destinationOf, sourceOf, sumOf } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'
import { standingOf } from '../known-for.ts'

/** Backups and deliveries look the same. */
const WITHOUT_PAST = 0.25

export const UPLOAD: EvidenceKind = {
  name: 'upload',
  looksAt: 'payload sent on a pair, at least 50 kB and five times what comes back: in full at five times what it sent in four different hours; where that is not known, or less is sent, a quarter; against, where it is usual',
  weights: { DATA_EXFILTRATION: 1 },
  find: (facts): Finding | null => {
    const upload = uploadOf(facts)
    if (upload === null) return null
    const usual = facts.usual('upload')
    const to = `${sourceOf(facts)} sent ${bytes(upload.amount)} to ${destinationOf(facts)} and got ${bytes(sumOf(facts, 'bytes_received'))}`
    switch (standingOf('upload', upload.amount, usual)) {
      case 'usual': return { strength: -1, sentence: `${to}, as it usually does` }
      case 'beyond': return { strength: 1, sentence: usual === null || usual === 0 ? `${to}; it usually sends no such bulk` : `${to}; that is ${number(upload.amount / usual)} times its usual` }
      case 'more': return { strength: WITHOUT_PAST, sentence: `${to}, more than it usually does` }
      case 'unknown': return { strength: WITHOUT_PAST, sentence: usual === null ? `${to}; what is usual for them is not known yet` : to }
    }
  },
}
