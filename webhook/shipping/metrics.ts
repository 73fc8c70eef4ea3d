import { Counter, Gauge, type Registry } from 'prom-client'

/** What becomes of the entries of a webhook process. */
export interface ShippingMetrics {
  recorded: () => void
  /** Taken by the controller for good. */
  shipped: (entries: number) => void
  lost: (entries: number) => void
  waiting: (entries: number) => void
  failure: () => void
}

export function shippingMetrics (registry: Registry): ShippingMetrics {
  const registers = [registry]
  const recorded = new Counter({ name: 'autoshield_admission_entries_total', help: 'Entries of the admission audit.', registers })
  const shipped = new Counter({ name: 'autoshield_admission_entries_shipped_total', help: 'Entries, and gaps between them, that the controller has in its trail.', registers })
  const lost = new Counter({ name: 'autoshield_admission_entries_lost_total', help: 'Entries that there was no room for, or that the controller refused; the trail has them as a gap.', registers })
  const waiting = new Gauge({ name: 'autoshield_admission_entries_waiting', help: 'Entries that the controller has yet to take.', registers })
  const failures = new Counter({ name: 'autoshield_admission_shipping_failures_total', help: 'Batches that the controller did not take; they are sent again.', registers })
  return {
    recorded: () => recorded.inc(),
    shipped: (entries) => shipped.inc(entries),
    lost: (entries) => lost.inc(entries),
    waiting: (entries) => waiting.set(entries),
    failure: () => failures.inc(),
  }
}
