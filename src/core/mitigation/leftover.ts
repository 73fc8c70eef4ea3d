import { conditionOf, withStatus } from './conditions.ts'
import { endOf } from './lifecycle.ts'
import type { Mitigation } from './mitigation.ts'

/** Of what has ended: whether what carried it could not be taken away yet, and why; null where it is gone. */
export function withLeftover (mitigation: Mitigation, message: string | null, nowMs: number): Mitigation {
  const end = endOf(mitigation)
  if (end === null) return mitigation
  const ended = conditionOf(mitigation, 'Programmed')?.message ?? ''
  return withStatus(mitigation, [{
    type: 'Degraded', ...(message === null ? { status: 'False', reason: end, message: ended } as const : { status: 'True', reason: 'NotRemoved', message } as const),
  }], {}, nowMs)
}
