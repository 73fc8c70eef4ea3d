import { returnsAfter, type Signs } from '../core/mitigation/time-to-live.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { Detection } from '../core/verdict/detection.ts'
import { answeredBy, ANNOTATIONS, attackOf } from './mitigation-case.ts'

/** What the signs are read from. */
export interface AttackSignsParts {
  /** Detections that are open now. */
  readonly open: () => readonly Detection[]
  /** Unix ms of the last attempt at what a mitigation forbids; null for none that is known. */
  readonly triedAt: (mitigation: string) => number | null
  /** Mitigations that have ended, newest first. */
  readonly ended: () => readonly Mitigation[]
}

interface Known {
  lastMs: number
  readonly returnsBefore: number
}

const caseOf = ({ spec: { owner }, metadata: { annotations } }: Mitigation): string => JSON.stringify([owner.rule, ...Object.values(ANNOTATIONS).map((name) => annotations[name])])

/** When the attack behind each mitigation in force was last heard of. What was before this process began is not known, so its first look counts as a sign. */
export class AttackSigns {
  readonly #parts: AttackSignsParts
  readonly #known = new Map<string, Known>()

  constructor (parts: AttackSignsParts) {
    this.#parts = parts
  }

  /** A look at the detections of now, which gives the signs for each of the mitigations in force. */
  look (active: readonly Mitigation[], nowMs: number): (mitigation: Mitigation) => Signs {
    const names = new Set(active.map(({ metadata }) => metadata.name))
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name)
    const open = new Map<string, number>()
    for (const detection of this.#parts.open()) {
      const key = attackOf(detection)
      open.set(key, Math.max(open.get(key) ?? 0, Math.min(nowMs, Date.parse(detection.lastSeen))))
    }
    return (mitigation) => {
      const { name } = mitigation.metadata
      const openMs = open.get(answeredBy(mitigation)) ?? null
      const known = this.#known.get(name) ?? { lastMs: nowMs, returnsBefore: this.#returnsBefore(mitigation) }
      this.#known.set(name, known)
      known.lastMs = Math.max(known.lastMs, openMs === null ? 0 : nowMs, this.#parts.triedAt(name) ?? 0)
      return { openMs, ...known }
    }
  }

  #returnsBefore (mitigation: Mitigation): number {
    const before = this.#parts.ended().find((other) => caseOf(other) === caseOf(mitigation))
    return before === undefined ? 0 : returnsAfter(before, Date.parse(mitigation.metadata.creationTimestamp))
  }
}
