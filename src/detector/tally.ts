import type { SourceStats } from '../wire/gen/ingest_pb.ts'
import type { DetectorStats } from '../ports/scores.ts'
import { ForgedSenders } from './forged-senders.ts'

type FromSources = Pick<DetectorStats, 'packets' | 'flows' | 'malformed' | 'dropped'>

/** What observers say of themselves, as far as it is summed. */
export function fromSource (stats: SourceStats): FromSources {
  return {
    packets: Number(stats.packets),
    flows: Number(stats.flows),
    malformed: Number(stats.malformed),
    dropped: Number(stats.droppedPackets) + Number(stats.droppedWindows),
  }
}

/** Counts since the detector's start. */
export class Tally {
  observers = 0
  windows = 0
  /** Windows that were scored. */
  tensors = 0
  /** Windows that were scored in vain: the scorer failed. */
  failed = 0
  #forgedSent = 0
  readonly #forgers = new ForgedSenders()
  readonly #sources: { -readonly [Name in keyof FromSources]: FromSources[Name] } = { packets: 0, flows: 0, malformed: 0, dropped: 0 }

  /** Adds what one observer has counted more than before; a count that went back adds nothing. */
  advance (before: FromSources, after: FromSources): void {
    for (const name of ['packets', 'flows', 'malformed', 'dropped'] as const) {
      this.#sources[name] += Math.max(0, after[name] - before[name])
    }
  }

  /** Packets that left a pod with an address that was not its own; `podUid` is null for a recording. */
  forged (podUid: string | null, packets: number, nowMs: number): void {
    this.#forgedSent += packets
    if (podUid !== null) this.#forgers.add(podUid, packets, nowMs)
  }

  stats (held: Pick<DetectorStats, 'keys' | 'dropped' | 'refused'>, nowMs: number): DetectorStats {
    return {
      observers: this.observers,
      windows: this.windows,
      tensors: this.tensors,
      keys: held.keys,
      ...this.#sources,
      dropped: this.#sources.dropped + held.dropped + this.failed,
      forgedSent: this.#forgedSent,
      forging: this.#forgers.recent(nowMs),
      refused: held.refused,
    }
  }
}
