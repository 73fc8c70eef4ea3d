import type { Errand, Task } from '../../core/errand/errand.ts'
import type { NewAuditEntry } from '../journal.ts'

/** The trail's entry of an errand after something came of it. */
export function entryOf ({ id, detection, policy, ruleHash, task, attempts, state, reason, message }: Errand, actor: string): NewAuditEntry {
  return {
    actor,
    action: `errand.${state.phase}`,
    object: `errand/${id}`,
    reason,
    detail: { detection, policy, ruleHash, ...taskDetail(task), attempts, message, ...(state.phase === 'waiting' && { nextAt: state.nextAt }) },
  }
}

/** Where it goes, without what may be secret in an address. */
function taskDetail (task: Task): Record<string, unknown> {
  switch (task.type) {
    case 'alert': return { task: task.type, channel: task.channel, priority: task.priority }
    case 'webhook': return { task: task.type, host: URL.parse(task.url)?.host ?? '', method: task.method }
    case 'eviction': return { task: task.type, pod: task.pod, ...(task.evidence !== undefined && { evidence: task.evidence }) }
  }
}
