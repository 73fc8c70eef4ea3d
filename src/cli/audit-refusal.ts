import { refusalEntry } from '../controller/client-refusals.ts'
import type { Log } from '../controller/log.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { AuditTrail } from '../ports/audit.ts'
import type { ClientRefusal } from '../ports/proxies.ts'

/** Writes down that the xDS server of the same process refused a client. What cannot be written is said in the log; the client is refused all the same. */
export function auditRefusal (audit: Pick<AuditTrail, 'append'>, refusal: ClientRefusal, log: Log): void {
  const { peer, reason } = refusal
  audit.append(refusalEntry('xds', refusal)).catch((error: unknown) => log.error({ error: AutoshieldError.from(error).message, peer, reason }, 'a refusal is not in the audit trail'))
}
