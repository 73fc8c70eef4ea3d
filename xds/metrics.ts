import { Counter, Gauge, type Registry } from 'prom-client'
import type { Fleet } from './fleet.ts'
import type { KeptRefusals } from './kept-refusals.ts'
import { REFUSAL_REASONS } from './refusal.ts'
import type { XdsServer } from './server.ts'

const STATES = ['in-sync', 'pending', 'rejected', 'away'] as const

/** What a process that serves proxies tells Prometheus; looked up when it is asked. */
export function xdsMetrics (registry: Registry, fleet: Pick<Fleet, 'statuses' | 'snapshots'>, server: Pick<XdsServer, 'stats'>): void {
  registry.registerMetric(new Gauge({
    name: 'autoshield_xds_streams',
    help: 'Streams of proxies that are open here.',
    registers: [],
    collect () { this.set(server.stats.streams) },
  }))
  registry.registerMetric(new Counter({
    name: 'autoshield_xds_pushes_total',
    help: 'Responses sent to proxies that had something in them.',
    registers: [],
    collect () {
      this.reset()
      this.inc(server.stats.pushes)
    },
  }))
  registry.registerMetric(new Counter({
    name: 'autoshield_xds_refusals_total',
    help: 'Clients, streams and requests that were refused, by reason.',
    labelNames: ['reason'],
    registers: [],
    collect () {
      this.reset()
      const { refusals } = server.stats
      for (const reason of REFUSAL_REASONS) this.inc({ reason }, refusals.get(reason) ?? 0)
    },
  }))
  registry.registerMetric(new Counter({
    name: 'autoshield_xds_snapshots_total',
    help: 'Snapshots of configuration. built: made and checked. shared: asked for by another proxy and there already. forgotten: let go, no proxy has them any more.',
    labelNames: ['outcome'],
    registers: [],
    collect () {
      this.reset()
      const { built, shared, forgotten } = fleet.snapshots
      for (const [outcome, count] of Object.entries({ built, shared, forgotten })) this.inc({ outcome }, count)
    },
  }))
  registry.registerMetric(new Gauge({
    name: 'autoshield_xds_snapshots_held',
    help: 'Snapshots of configuration that are remembered, to be shared.',
    registers: [],
    collect () { this.set(fleet.snapshots.held) },
  }))
  registry.registerMetric(new Gauge({
    name: 'autoshield_xds_proxies',
    help: 'Proxies that are there, by what they made of their newest configuration. Away: not connected here.',
    labelNames: ['state'],
    registers: [],
    collect () {
      const counts = new Map<string, number>(STATES.map((state) => [state, 0]))
      for (const { connected, state } of fleet.statuses()) {
        const at = connected ? state : 'away'
        counts.set(at, (counts.get(at) ?? 0) + 1)
      }
      for (const [state, count] of counts) this.set({ state }, count)
    },
  }))
}

/** Of a process whose refusals a controller writes down. */
export function keptRefusalMetrics (registry: Registry, kept: Pick<KeptRefusals, 'size' | 'summed'>): void {
  registry.registerMetric(new Gauge({
    name: 'autoshield_xds_refusals_waiting',
    help: 'Refusals, or sums of them, that no controller has in its trail yet.',
    registers: [],
    collect () { this.set(kept.size) },
  }))
  registry.registerMetric(new Counter({
    name: 'autoshield_xds_refusals_summed_total',
    help: 'Refusals that are told to the trail as a sum alone, because too many waited.',
    registers: [],
    collect () {
      this.reset()
      this.inc(kept.summed)
    },
  }))
}
