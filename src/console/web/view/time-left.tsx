import type { Mitigation } from '../../../core/mitigation/mitigation.ts'
import { remaining } from '../model/words.ts'
import { Time } from './time.tsx'

/** What remains of a restriction's time to live, as a bar and as text. */
export function TimeLeft ({ mitigation, now }: { mitigation: Mitigation, now: number }) {
  const end = Date.parse(mitigation.spec.expiresAt)
  const whole = Math.max(1, end - Date.parse(mitigation.metadata.creationTimestamp))
  const left = Math.max(0, end - now)
  return (
    <span class={`time-left ${mitigation.status.simulated ? 'simulated' : ''}`}>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect width="100" height="6" class="whole" />
        <rect width={Math.min(100, 100 * left / whole).toFixed(2)} height="6" class="left" />
      </svg>
      <span class="left-text"><b>{remaining(left)}</b> left, ends <Time at={end} /></span>
    </span>
  )
}
