import type { Action } from '../policy/rule.ts'
import type { Protected } from './protected.ts'

/**
 * The action as it may be planned in front of a target: one that is protected is never selected, and what attacks it is restricted
 * as it leaves its source.
 *
 *     target    | action                           | becomes
 *     open      | any                              | itself
 *     protected | network_policy, traffic_throttle | itself with direction egress
 *     protected | any other                        | itself: it touches the source alone, or nobody
 */
export function atSource (action: Action, target: Protected | null): Action {
  if (target === null) return action
  switch (action.type) {
    case 'network_policy':
    case 'traffic_throttle':
      return { ...action, direction: 'egress' }
    case 'pod_isolation':
    case 'pod_termination':
    case 'node_quarantine':
    case 'alert_only':
    case 'custom_webhook':
      return action
  }
}
