/** Told of at most so many pods: that many at one time are no single attacker. */
const MAX_PODS = 64
const SPAN_MS = 60_000
/** Parts of the span that are forgotten one by one. */
const PARTS = 12
const PART_MS = SPAN_MS / PARTS

/** Packets by part of time. */
type Parts = Map<number, number>

/** Out of which pods packets came under addresses that are not theirs, within the last minute. */
export class ForgedSenders {
  readonly #pods = new Map<string, Parts>()

  /** Of a pod's own observer. */
  add (podUid: string, packets: number, nowMs: number): void {
    if (packets <= 0) return
    const parts = this.#pods.get(podUid) ?? new Map<number, number>()
    const part = Math.floor(nowMs / PART_MS)
    parts.set(part, (parts.get(part) ?? 0) + packets)
    this.#pods.delete(podUid)
    this.#pods.set(podUid, parts)
    if (this.#pods.size > MAX_PODS) this.#dropQuietest()
  }

  /** Packets of the last minute by UID of the pod. */
  recent (nowMs: number): Record<string, number> {
    const oldest = Math.floor(nowMs / PART_MS) - PARTS
    for (const [podUid, parts] of this.#pods) {
      for (const part of parts.keys()) if (part <= oldest) parts.delete(part)
      if (parts.size === 0) this.#pods.delete(podUid)
    }
    return Object.fromEntries([...this.#pods].map(([podUid, parts]) => [podUid, sum(parts)]))
  }

  #dropQuietest (): void {
    const [quietest] = [...this.#pods].toSorted(([, one], [, other]) => sum(one) - sum(other))
    if (quietest !== undefined) this.#pods.delete(quietest[0])
  }
}

const sum = (parts: Parts): number => [...parts.values()].reduce((total, packets) => total + packets, 0)
