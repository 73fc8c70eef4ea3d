import type { RenewalEvent } from '../adapters/identity/renewed-credentials.ts'

/** What differs in it is told at once, however often the like was told before: one trouble must not hide the next. */
export const renewalKind = (event: RenewalEvent): string => event.type === 'renewed' ? event.type : `${event.type}: ${event.reason}`

/** What a pod's log says of its certificate. */
export function tellRenewal (event: RenewalEvent): string {
  switch (event.type) {
    case 'renewed': return `has a certificate until ${new Date(event.endsMs).toISOString()}`
    case 'refused': return `gets no certificate: ${event.reason}; the next try is in ${Math.ceil(event.retryMs / 1_000)} s`
    case 'unavailable': return `has no new certificate yet: ${event.reason}; the next try is in ${Math.ceil(event.retryMs / 1_000)} s`
  }
}
