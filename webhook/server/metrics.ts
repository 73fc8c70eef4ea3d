import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Outcome } from './answers.ts'

export const WEBHOOKS = ['inject', 'audit'] as const
export type Webhook = (typeof WEBHOOKS)[number]

/** Calls that get no review's answer. */
export type RefusedCall = 'malformed' | 'version' | 'oversized' | 'slow' | 'vanished'

/** Label values come from closed lists: a name in a label would let anybody fill our memory. */
export interface WebhookMetrics {
  answered: (webhook: Webhook, outcome: Outcome, seconds: number) => void
  refused: (webhook: Webhook, why: RefusedCall) => void
  fault: (webhook: Webhook) => void
  connectionDropped: () => void
}

/** What waits for its body or its turn, now. */
export interface Held { readonly reviews: number, readonly bytes: number }

export function webhookMetrics (registry: Registry, held: () => Held): WebhookMetrics {
  const registers = [registry]
  const reviews = new Counter({ name: 'autoshield_webhook_reviews_total', help: 'Reviews by what was answered, and why.', labelNames: ['webhook', 'decision', 'reason'], registers })
  const seconds = new Histogram({
    name: 'autoshield_webhook_review_seconds',
    help: 'From the head of a request to its answer.',
    labelNames: ['webhook'],
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2],
    registers,
  })
  const refusals = new Counter({ name: 'autoshield_webhook_refused_total', help: 'Calls that are no review, or of which no review arrived.', labelNames: ['webhook', 'why'], registers })
  const faults = new Counter({ name: 'autoshield_webhook_faults_total', help: 'Defects met while deciding; the review was let through.', labelNames: ['webhook'], registers })
  const gauge = (name: string, help: string, read: () => number): unknown => new Gauge({ name, help, registers, collect () { this.set(read()) } })
  gauge('autoshield_webhook_reviews_held', 'Reviews that wait for their body or their turn.', () => held().reviews)
  gauge('autoshield_webhook_bytes_held', 'Bytes of reviews that wait.', () => held().bytes)
  const dropped = new Counter({ name: 'autoshield_webhook_connections_dropped_total', help: 'Connections that were closed because there were too many.', registers })
  const timers = { inject: seconds.labels('inject'), audit: seconds.labels('audit') }
  const counters = new Map<string, Counter.Internal>()
  const counterOf = (webhook: Webhook, { decision, reason }: Outcome): Counter.Internal => {
    const key = `${webhook}/${decision}/${reason}`
    const counter = counters.get(key) ?? reviews.labels(webhook, decision, reason)
    counters.set(key, counter)
    return counter
  }
  return {
    answered: (webhook, outcome, took) => {
      counterOf(webhook, outcome).inc()
      timers[webhook].observe(took)
    },
    refused: (webhook, why) => refusals.inc({ webhook, why }),
    fault: (webhook) => faults.inc({ webhook }),
    connectionDropped: () => dropped.inc(),
  }
}
