import type { observeAttempts } from '../core/mitigation/lifecycle.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { Score } from '../core/verdict/score.ts'
import { FEATURES, windowStartMs } from '../core/window/window.ts'

const [FLOWS, RECEIVED, FAILED] = (['flow_count', 'bytes_received', 'failed_conn_ratio'] as const).map((name) => FEATURES.indexOf(name))

type Attempts = Parameters<typeof observeAttempts>[1]

/**
 * What the newest window of a score says of a denial: whether its subject still tries, and still gets through. null where
 * the score is not about its subject and one of its victims, the Services before them or its destinations, or also about ports that it leaves open: a window does not
 * tell what failed at which. A flow that the victim never answered with a byte was stopped: a proxy that denies closes the connection
 * before the victim hears of it.
 */
export function attemptsSeen ({ spec, status }: Mitigation, { key, window, simulated }: Score): Attempts | null {
  if (key.kind !== 'pair' || simulated || status.simulated || spec.action !== 'deny' || spec.subject === 'anySource') return null
  const { subject, victims, services = [], destinations = [], ports } = spec
  const victim = victims.find(({ addresses }) => addresses.includes(key.destination))
  if (!subject.addresses.includes(key.source) || (victim === undefined && ![...services, ...destinations].includes(key.destination))) return null
  if (ports !== 'any' && window.ports.some(({ port }) => !ports.includes(port))) return null
  const feature = (index: number | undefined): number => window.features[index ?? -1] ?? 0
  const attempts = feature(FLOWS)
  const answered = feature(RECEIVED) > 0
  const to = victim?.name === undefined ? key.destination : `${victim.namespace ?? ''}/${victim.name} (${key.destination})`
  const at = window.ports.length === 0 ? '' : ` on port ${window.ports.map(({ port }) => port).join(', ')}`
  return { flow: `${key.source} to ${to}${at}`, attempts, through: answered ? Math.max(1, Math.round(attempts * (1 - feature(FAILED)))) : 0, sinceMs: windowStartMs(window) }
}
