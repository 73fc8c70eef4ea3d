import type { PodCoverage } from '../../core/coverage/judge-pod.ts'
import { LABELS, MANAGED_BY } from '../../core/injection/names.ts'

/** An events.k8s.io/v1 Event on a pod that was created without its observer. One name a pod, so that it is told once. */
export function missedEvent ({ namespace, name, uid, message, mend }: PodCoverage, nowMs: number): object {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 200)}.${uid.slice(0, 8)}.autoshield-missed`, namespace, labels: { [LABELS.managedBy]: MANAGED_BY } },
    eventTime: new Date(nowMs).toISOString().replace('Z', '000Z'), // MicroTime
    reportingController: 'autoshield.dev/controller',
    reportingInstance: 'autoshield-controller',
    action: 'Observe',
    reason: 'Missed',
    type: 'Warning',
    regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
    note: `AutoShield does not see this pod: ${message}. To mend it, ${mend}.`.slice(0, 1_000),
  }
}
