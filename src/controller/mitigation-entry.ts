import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { NewAuditEntry } from './journal.ts'
import type { StatusChange } from './mitigation-set.ts'

/** What the trail says of a mitigation, beside what is particular to the entry. */
export function entryOf ({ metadata, spec, status }: Mitigation, action: string, reason: string): NewAuditEntry {
  const { subject, victims, direction, ports, action: restriction, mode, expiresAt, owner, detection } = spec
  return {
    actor: 'autoshield',
    action,
    object: `mitigation/${metadata.name}`,
    reason,
    detail: { detection, owner, subject, victims, direction, ports, restriction, mode, simulated: status.simulated, expiresAt },
  }
}

/** What is worth an entry: that all targets took it, that one refused it (in its words), that attempts were seen. */
export function answersOf ({ mitigation, conditions }: StatusChange): NewAuditEntry[] {
  const { object } = entryOf(mitigation, '', '')
  return conditions
    .filter(({ type, status }) => (type === 'Enforcing' ? status !== 'Unknown' : status === 'True'))
    .map(({ type, status, reason, message }) => ({
      actor: 'autoshield', action: `mitigation.${type.toLowerCase()}`, object, reason, detail: { status, message, targets: mitigation.status.targets },
    }))
}

/** How an enforced one was newly taken, for the circuit breaker. */
export function outcomesOf ({ conditions }: StatusChange): ('succeeded' | 'failed')[] {
  if (conditions.some(({ type, status, reason }) => type === 'Degraded' && status === 'True' && reason === 'Rejected')) return ['failed']
  return conditions.some(({ type, status }) => type === 'Programmed' && status === 'True') ? ['succeeded'] : []
}
