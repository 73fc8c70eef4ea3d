import { Counter, Gauge, type Registry } from 'prom-client'
import type { Outcome } from '../../core/errand/advance.ts'
import type { Errand, TaskType } from '../../core/errand/errand.ts'
import type { ReasonCode } from '../../core/reason.ts'

export interface ErrandMetrics {
  attempt: (task: TaskType, result: Outcome['result']) => void
  ended: (task: TaskType, phase: Errand['state']['phase'], reason: ReasonCode) => void
  waiting: (task: TaskType, count: number) => void
}

export function errandMetrics (registry: Registry): ErrandMetrics {
  const registers = [registry]
  const attempts = new Counter({ name: 'autoshield_errand_attempts_total', help: 'Attempts to send a message or to evict a pod, by what came of them.', labelNames: ['task', 'result'], registers })
  const ended = new Counter({ name: 'autoshield_errands_total', help: 'Messages and evictions that ended, and why.', labelNames: ['task', 'phase', 'reason'], registers })
  const waiting = new Gauge({ name: 'autoshield_errands_waiting', help: 'Messages and evictions that wait to be done.', labelNames: ['task'], registers })
  return {
    attempt: (task, result) => attempts.inc({ task, result }),
    ended: (task, phase, reason) => ended.inc({ task, phase, reason }),
    waiting: (task, count) => waiting.set({ task }, count),
  }
}
