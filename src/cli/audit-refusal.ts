import type { RefusalRecord } from '../../xds/refusal-log.ts'
import type { Log } from '../controller/log.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { AuditTrail } from '../ports.ts'

/** Writes down that the xDS server refused a client. What cannot be written is said in the log; the client is refused all the same. */
export function auditRefusal (audit: AuditTrail, { reason, peer, identity, details, count }: RefusalRecord, log: Log): void {
  audit.append({
    actor: identity ?? `address/${peer}`,
    action: 'xds.refused',
    object: 'xds',
    reason,
    detail: { peer, count, words: count === 1 ? details : `${details}, and ${count - 1} more` },
  }).catch((error: unknown) => log.error({ error: AutoshieldError.from(error).message, peer, reason }, 'a refusal is not in the audit trail'))
}
