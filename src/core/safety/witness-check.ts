import type { ActionType } from '../policy/action-type.ts'
import { decide, fails, passes, type Finding, type Hearing } from './hearing.ts'
import { REACH } from './reach.ts'

/** What changes more of a pod than its way to whom it attacks. */
const BEYOND_THE_LINK: ReadonlySet<ActionType> = new Set<ActionType>(['pod_isolation', 'pod_termination', 'node_quarantine'])

/**
 * Whoever holds one observer may say what it likes of the traffic with its own pod. That cuts the two apart at most, and what goes
 * further waits for a person.
 *
 *     action                                         | subject   | its own observer confirms it | passes
 *     pod_isolation, pod_termination, node_quarantine | a pod     | no                           | no
 *     pod_isolation, pod_termination, node_quarantine | a pod     | yes                          | yes
 *     pod_isolation, pod_termination, node_quarantine | anySource | -                            | yes: no pod is accused
 *     any other                                       | -         | -                            | yes
 */
export function secondWitness ({ request: { action, subject, evidence, source } }: Hearing): Finding {
  if (!BEYOND_THE_LINK.has(action)) return passes('the action reaches no further than what one observer may speak of')
  if (subject === 'anySource') return passes('no source is named')
  return decide(evidence.confirmedByOwnObserver, `the observer of ${source} confirms it`, `only the observer at the attacked end tells of it, and ${action} would change more of ${source} than its way there`)
}

/**
 * A score from where traffic is unlike the training set may mean anything. Its confidence stays as it is, or whoever is unlike training
 * would be believed less; a person looks before anything is restricted.
 */
export function familiar ({ request: { action, unfamiliar }, settings: { unfamiliarTraffic } }: Hearing): Finding {
  if (REACH[action] === 'alert') return passes('an alert is given all the same')
  if (unfamiliarTraffic === 'act') return passes('what is detected in unfamiliar traffic waits for nobody here')
  return unfamiliar === null ? passes('it was seen where traffic is like what the model was trained on') : fails(`the traffic of namespace ${unfamiliar} is unlike what the model was trained on`)
}
