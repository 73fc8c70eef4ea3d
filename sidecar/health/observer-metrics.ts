import { Counter, Gauge, Registry } from 'prom-client'
import type { ObserverReport } from './observer-report.ts'

/** What `/metrics` shows; each scrape asks `report` anew. */
export function observerMetrics (report: () => ObserverReport, nowMs: () => number): Registry {
  const registry = new Registry()
  const registers = [registry]
  const counter = (name: string, help: string, value: (report: ObserverReport) => number): void => {
    const counted = new Counter({
      name: `autoshield_observer_${name}_total`,
      help,
      registers,
      collect: () => {
        counted.reset()
        counted.inc(value(report()))
      },
    })
  }
  const gauge = (name: string, help: string, value: (report: ObserverReport) => number): void => {
    const shown = new Gauge({
      name: `autoshield_observer_${name}`,
      help,
      registers,
      collect: () => {
        shown.set(value(report()))
      },
    })
  }
  counter('packets', 'Packets that were seen, or that the sockets counted.', ({ packets }) => packets)
  counter('flows', 'Flows that were seen.', ({ flows }) => flows)
  counter('windows', 'Windows that were made.', ({ windows }) => windows)
  counter('dropped_packets', 'Packets, or sockets, that the source lost.', ({ droppedPackets }) => droppedPackets)
  counter('dropped_windows', 'Windows that waited too long for the detector.', ({ droppedWindows }) => droppedWindows)
  counter('malformed_entries', 'Entries, messages and streams of the access log socket that were none of a proxy of ours.', ({ malformedEntries }) => malformedEntries)
  counter('foreign_entries', 'Entries of the access log about connections of other pods.', ({ foreignEntries }) => foreignEntries)
  counter('dropped_counts', 'Counts of restricted attempts that there was no room for.', ({ droppedCounts }) => droppedCounts)
  gauge('proxy_log', '1 while the pod\'s proxy logs; 0 before its first entry and while it is away; -1 where nobody listens to one.', ({ proxyLog }) => proxyLog === null ? -1 : proxyLog === 'open' ? 1 : 0)
  gauge('waiting_windows', 'Windows that the detector has not acknowledged yet.', ({ waiting }) => waiting)
  gauge('connected', '1 while the detector takes windows.', ({ connected }) => connected ? 1 : 0)
  gauge('last_ack_age_seconds', 'Seconds since the detector last acknowledged something; -1 before it ever did.', ({ acknowledgedMs }) =>
    acknowledgedMs === null ? -1 : Math.max(0, nowMs() - acknowledgedMs) / 1_000)
  const source = new Gauge({
    name: 'autoshield_observer_source',
    help: '1 for the source that sees the traffic.',
    labelNames: ['source'],
    registers,
    collect: () => {
      source.reset()
      const { watching } = report()
      if (watching !== null) source.set({ source: watching }, 1)
    },
  })
  return registry
}
