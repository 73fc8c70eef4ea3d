import type { PacketChunk } from '../../../src/core/flow/packet-chunk.ts'
import { WindowExtractor, type ExtractorOptions, type ExtractorStats } from '../../../src/core/window/window-extractor.ts'
import { COUNTERS, FEATURES, keyId, type CounterName, type FeatureName, type StepMs, type Window } from '../../../src/core/window/window.ts'

/** One packet: ms after the beginning, and its bytes as of `linkType` (raw IP where it is left out). */
export interface Timed {
  readonly at: number
  readonly packet: Uint8Array
  readonly linkType?: number
  /** Length on the wire, where it is more than what is given. */
  readonly original?: number
}

/** A whole minute, so that windows of every step begin with it. */
export const BEGIN_MS = 1_760_000_040_000

export function chunkOf (packets: readonly Timed[]): PacketChunk {
  const offsets = new Uint32Array(packets.length)
  let length = 0
  packets.forEach(({ packet }, at) => {
    offsets[at] = length
    length += packet.length
  })
  return {
    bytes: new Uint8Array(Buffer.concat(packets.map(({ packet }) => packet))),
    count: packets.length,
    offsets,
    captured: Uint32Array.from(packets, ({ packet }) => packet.length),
    original: Uint32Array.from(packets, ({ packet, original }) => original ?? packet.length),
    timesMs: Float64Array.from(packets, ({ at }) => BEGIN_MS + at),
    linkTypes: Uint16Array.from(packets, ({ linkType }) => linkType ?? 101),
  }
}

/** Everything that comes of these packets, with readable access. */
export class Observation {
  readonly windows: readonly Window[]
  readonly stats: ExtractorStats

  constructor (windows: readonly Window[], stats: ExtractorStats) {
    this.windows = windows
    this.stats = stats
  }

  /** The windows of a key, as `keyId` writes it. */
  of (key: string, stepMs: StepMs): readonly Window[] {
    return this.windows.filter((window) => keyId(window.key) === key && window.stepMs === stepMs)
  }

  /** The window of a key that began so many steps after the beginning. */
  window (key: string, stepMs: StepMs, after = 0): Window {
    const found = this.of(key, stepMs).filter((window) => window.number === BEGIN_MS / stepMs + after)
    if (found.length !== 1 || found[0] === undefined) {
      throw new Error(`${found.length} windows of ${key} at step ${stepMs}, number ${after}; there are ${this.windows.map((window) => `${keyId(window.key)}/${window.stepMs}/${window.number - BEGIN_MS / window.stepMs}`).join(' ')}`)
    }
    return found[0]
  }
}

/** Runs the packets through an extractor, in chunks of `chunkPackets`; with `until`, closes by that clock and does not flush. */
export function observe (packets: readonly Timed[], { chunkPackets = packets.length, until, ...options }: Partial<ExtractorOptions> & { readonly chunkPackets?: number, readonly until?: number } = {}): Observation {
  const extractor = new WindowExtractor({ ownAddresses: null, maxFlows: 1024, maxKeys: 1024, ...options })
  const windows: Window[] = []
  for (let at = 0; at < packets.length; at += chunkPackets) {
    extractor.push(chunkOf(packets.slice(at, at + chunkPackets)))
    windows.push(...extractor.take())
  }
  windows.push(...until === undefined ? extractor.flush() : extractor.close(BEGIN_MS + until))
  return new Observation(windows, extractor.stats)
}

export const feature = (window: Window, name: FeatureName): number => window.features[FEATURES.indexOf(name)] ?? Number.NaN

export const counter = (window: Window, name: CounterName): number => window.counters[COUNTERS.indexOf(name)] ?? Number.NaN

/** The named features and counters of a window that are not zero. */
export function nonZero (window: Window): Record<string, number> {
  const all = [...FEATURES.map((name) => [name, feature(window, name)] as const), ...COUNTERS.map((name) => [name, counter(window, name)] as const)]
  return Object.fromEntries(all.filter(([, value]) => value !== 0))
}
