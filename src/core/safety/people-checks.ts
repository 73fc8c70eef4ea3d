import { decide, fails, passes, type Finding, type Hearing } from './hearing.ts'
import { REACH } from './reach.ts'

/**
 *     action     | window open | its effect | fails
 *     alert_only | -           | -          | neither
 *     other      | no          | -          | neither
 *     other      | yes         | hold       | the one that holds
 *     other      | yes         | alert      | the one that only alerts
 */
export const maintained = (effect: 'hold' | 'alert') => ({ request: { action, window } }: Hearing): Finding => {
  if (REACH[action] === 'alert') return passes('an alert is given all the same')
  if (window?.effect !== effect) return passes(effect === 'hold' ? 'no maintenance window holds it' : 'no maintenance window silences it')
  return fails(`the maintenance window "${window.name}" is open until ${window.to} (${window.zone})`)
}

/** `needsApproval` has the table. */
export const approved = ({ request: { approval } }: Hearing): Finding =>
  decide(approval !== 'needed', 'the rule asks nobody', 'the rule asks that a person agrees')
