import type { observeAttempts } from '../core/mitigation/lifecycle.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { Score } from '../core/verdict/score.ts'
import { FEATURES, windowStartMs } from '../core/window/window.ts'

const [FLOWS, RECEIVED, FAILED] = (['flow_count', 'bytes_received', 'failed_conn_ratio'] as const).map((name) => FEATURES.indexOf(name))

type Attempts = Parameters<typeof observeAttempts>[1]

/**
 * What the newest window of a score says of a denial: whether its subject still tries, and still gets through. null where
 * the score is not about its subject and one of its victims or destinations. A flow that the victim never answered with a byte was
 * stopped: a proxy that denies closes the connection before the victim hears of it.
 */
export function attemptsSeen ({ spec, status }: Mitigation, { key, window, simulated }: Score): Attempts | null {
  if (key.kind !== 'pair' || simulated || status.simulated || spec.action !== 'deny' || spec.subject === 'anySource') return null
  const { subject, victims, destinations = [] } = spec
  if (!subject.addresses.includes(key.source) || !(victims.some(({ addresses }) => addresses.includes(key.destination)) || destinations.includes(key.destination))) return null
  const feature = (index: number | undefined): number => window.features[index ?? -1] ?? 0
  const attempts = feature(FLOWS)
  const answered = feature(RECEIVED) > 0
  return { attempts, through: answered ? Math.max(1, Math.round(attempts * (1 - feature(FAILED)))) : 0, sinceMs: windowStartMs(window) }
}
