import { COUNTERS, FEATURES, windowStartMs, type CounterName, type FeatureName, type Window } from './window.ts'

/** A window as a person or a program reads it: names in place of columns. Sketches are left out: they mean nothing outside. */
export interface WindowJson {
  readonly kind: Window['key']['kind']
  readonly source: string | null
  readonly destination: string | null
  readonly stepMs: number
  readonly number: number
  /** ISO 8601, UTC. */
  readonly start: string
  readonly firstPacket: string
  readonly features: Readonly<Record<FeatureName, number>>
  readonly counters: Readonly<Record<CounterName, number>>
  readonly ports: Window['ports']
  readonly quality: number
}

export function windowToJson (window: Window): WindowJson {
  const { key, stepMs, number, ports, quality } = window
  return {
    kind: key.kind,
    source: key.kind === 'fan-in' ? null : key.source,
    destination: key.kind === 'fan-out' ? null : key.destination,
    stepMs,
    number,
    start: new Date(windowStartMs(window)).toISOString(),
    firstPacket: new Date(window.firstPacketMs).toISOString(),
    features: named(FEATURES, window.features),
    counters: named(COUNTERS, window.counters),
    ports,
    quality,
  }
}

function named<Name extends string> (names: readonly Name[], values: Float64Array): Record<Name, number> {
  return Object.fromEntries(names.map((name, at) => [name, values[at] ?? 0])) as Record<Name, number> // every name is a key
}
