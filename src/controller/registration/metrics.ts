import { Counter, Gauge, type Registry } from 'prom-client'
import type { ErrorCode } from '../../core/errors.ts'
import { REGISTRATION_STATES, type RegistrationState, type Registered } from './state.ts'

/** What registration counts. */
export interface RegistrationMetrics {
  state: (state: RegistrationState['kind']) => void
  /** Whether the API server asks this webhook, as far as is known. */
  registered: (webhook: Registered, is: boolean) => void
  /** Somebody else changed or deleted it, and it was put right. */
  corrected: (webhook: Registered, change: 'changed' | 'deleted') => void
  failed: (code: ErrorCode) => void
}

export function registrationMetrics (registry: Registry): RegistrationMetrics {
  const registers = [registry]
  const states = new Gauge({ name: 'autoshield_registration_state', help: '1 for the state that the registration of the webhooks is in.', labelNames: ['state'], registers })
  const registered = new Gauge({ name: 'autoshield_registration_registered', help: '1 while the webhook is registered at the API server.', labelNames: ['webhook'], registers })
  const corrections = new Counter({ name: 'autoshield_registration_corrections_total', help: 'Changes of our registration by somebody else that were taken back.', labelNames: ['webhook', 'change'], registers })
  const failures = new Counter({ name: 'autoshield_registration_failures_total', help: 'Attempts to register that failed; they are repeated.', labelNames: ['code'], registers })
  return {
    state: (state) => { for (const kind of REGISTRATION_STATES) states.set({ state: kind }, kind === state ? 1 : 0) },
    registered: (webhook, is) => registered.set({ webhook }, is ? 1 : 0),
    corrected: (webhook, change) => corrections.inc({ webhook, change }),
    failed: (code) => failures.inc({ code }),
  }
}
