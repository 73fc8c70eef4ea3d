import type { Logger } from 'pino'
import { publishAuthorities } from '../../certs/authorities-map.ts'
import type { IssueRecord } from '../../certs/issuer.ts'
import { SecretAuthority } from '../../certs/secret-authority.ts'
import { SelfIssued } from '../../certs/self-issued.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { AuditTrail } from '../ports/audit.ts'
import type { KubernetesApi } from '../ports/kubernetes.ts'
import { systemIdentities } from './data-folder.ts'
import type { Parts } from './parts.ts'

/** What the authority of a cluster is kept by. */
export interface AuthorityGround { readonly api: KubernetesApi, readonly namespace: string, readonly trustDomain: string, readonly log: Logger }

/** The cluster's authority, and this process's own identity from it. */
export function startIdentity (parts: Parts, { api, namespace, trustDomain, log }: AuthorityGround): { authority: SecretAuthority, identity: SelfIssued } {
  const authority = new SecretAuthority({ api, namespace, trustDomain, clock: systemClock, onEvent: (event) => log.info({ event }, 'the certificate authority') })
  const identity = new SelfIssued({ authority, identity: systemIdentities({ trustDomain, namespace }).controller, clock: systemClock })
  parts.start((signal) => authority.run(signal))
  parts.start((signal) => identity.run(signal))
  parts.start((signal) => publishAuthorities({ api, authority, namespace, onFailure: (error) => log.warn({ error: AutoshieldError.from(error).message }, 'the authorities could not be published') }, signal))
  return { authority, identity }
}

/** Writes down who was given a certificate, or was refused one. */
export function auditIssue (audit: AuditTrail, { reason, holder, identity, peer, ...detail }: IssueRecord, log: Logger): void {
  audit.append({
    actor: holder === null ? `address/${peer}` : `pod/${holder.namespace}/${holder.pod.name}`,
    action: identity === null ? 'certificate.refused' : 'certificate.issued',
    object: identity ?? 'certificate',
    reason,
    detail,
  }).catch((error: unknown) => log.error({ error: AutoshieldError.from(error).message }, 'a certificate is not in the audit trail'))
}
