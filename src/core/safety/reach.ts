import type { ActionType } from '../policy/action-type.ts'

/** What each action type touches: `alert` tells people and uses nothing up; `message` restricts nobody either, but goes outside. */
export const REACH: Readonly<Record<ActionType, 'restricts' | 'message' | 'alert'>> = {
  network_policy: 'restricts',
  pod_isolation: 'restricts',
  traffic_throttle: 'restricts',
  pod_termination: 'restricts',
  node_quarantine: 'restricts',
  custom_webhook: 'message',
  alert_only: 'alert',
}
