import type { RenewalEvent } from '../adapters/identity/renewed-credentials.ts'

/** What a pod's log says of its certificate. */
export function tellRenewal (event: RenewalEvent): string {
  switch (event.type) {
    case 'renewed': return `has a certificate until ${new Date(event.endsMs).toISOString()}`
    case 'refused': return `gets no certificate: ${event.reason}; the next try is in ${Math.ceil(event.retryMs / 1_000)} s`
    case 'unavailable': return `has no new certificate yet: ${event.reason}; the next try is in ${Math.ceil(event.retryMs / 1_000)} s`
  }
}
