import { COUNTERS, FEATURES, keyId, windowStartMs, type Window } from '../core/window/window.ts'
import type { TrafficEdge } from '../ports/scores.ts'

/** The step that the picture of the traffic is made of. */
export const TRAFFIC_STEP_MS = 15_000
const MAX_EDGES = 4_096
/** When nothing newer came for so long, a window of any time starts a new picture: another recording may lie in the past. */
const STALE_MS = 2 * TRAFFIC_STEP_MS

const [PACKETS_SENT, PACKETS_RECEIVED] = [COUNTERS.indexOf('packets_sent'), COUNTERS.indexOf('packets_received')]
const [FLOWS, SENT, RECEIVED] = [FEATURES.indexOf('flow_count'), FEATURES.indexOf('bytes_sent'), FEATURES.indexOf('bytes_received')]

/** Who talks to whom in the newest 15 s window that any observer closed. */
export class Traffic {
  /** Edges that there was no room for. */
  dropped = 0
  readonly #edges = new Map<string, TrafficEdge>()
  #startMs = -Infinity
  #changedAtMs = -Infinity

  /** Takes in the pair windows of 15 s; others are passed over. Where both ends report a pair, the fuller account counts. */
  add (windows: readonly Window[], nowMs: number): void {
    for (const window of windows) {
      const { key, stepMs } = window
      if (stepMs !== TRAFFIC_STEP_MS || key.kind !== 'pair') continue
      if (!this.#isCurrent(windowStartMs(window), nowMs)) continue
      const id = keyId(key)
      const edge = { source: key.source, destination: key.destination, ...volume(window) }
      const known = this.#edges.get(id)
      if (known === undefined && this.#edges.size >= MAX_EDGES) this.dropped++
      else if (known === undefined || known.packets < edge.packets) this.#edges.set(id, edge)
    }
  }

  /** Null before any traffic was seen. */
  picture (): { readonly atMs: number, readonly edges: readonly TrafficEdge[] } | null {
    return this.#startMs === -Infinity ? null : { atMs: this.#startMs, edges: [...this.#edges.values()] }
  }

  #isCurrent (startMs: number, nowMs: number): boolean {
    if (startMs !== this.#startMs) {
      if (startMs < this.#startMs && nowMs - this.#changedAtMs < STALE_MS) return false
      this.#edges.clear()
      this.#startMs = startMs
    }
    this.#changedAtMs = nowMs
    return true
  }
}

function volume ({ features, counters }: Window): Pick<TrafficEdge, 'packets' | 'bytes' | 'flows'> {
  return {
    packets: (counters[PACKETS_SENT] ?? 0) + (counters[PACKETS_RECEIVED] ?? 0),
    bytes: (features[SENT] ?? 0) + (features[RECEIVED] ?? 0),
    flows: features[FLOWS] ?? 0,
  }
}
