import type { Unfamiliar } from '../core/drift/drift.ts'
import { atLeast } from '../core/admission/finding.ts'
import type { Memory } from '../core/evidence/memory.ts'
import type { Detection, Explanation } from '../core/verdict/detection.ts'
import { tensorStartMs, usualFor } from '../core/verdict/case.ts'
import { loadVerdict, saveVerdict } from '../core/verdict/saved-verdict.ts'
import type { Score } from '../core/verdict/score.ts'
import { emptyVerdict, type VerdictState } from '../core/verdict/state.ts'
import { step, type VerdictEffect, type VerdictEvent } from '../core/verdict/verdict.ts'
import type { AdmissionContext } from '../ports/admission.ts'
import type { Clock } from '../ports/clock.ts'
import type { PodDirectory } from '../ports/directories.ts'
import type { LoopEvent } from '../ports/loop.ts'
import type { Checkpoints, ObjectStore } from '../ports/object-store.ts'
import type { ModelInfo } from '../ports/scorer.ts'
import { withAdmission } from './admissions/remarks.ts'
import { closingOf } from './detection-entry.ts'
import { Forgers } from './forgers.ts'
import type { Journal, NewAuditEntry } from './journal.ts'
import type { ControllerMetrics } from './metrics.ts'

export interface DetectionDeskParts {
  readonly store: ObjectStore
  readonly checkpoints: Checkpoints
  readonly journal: Journal
  readonly pods: PodDirectory
  readonly clock: Clock
  readonly newId: () => string
  readonly metrics: ControllerMetrics
  readonly sharedAddresses: ReadonlySet<string>
  readonly publish: (event: LoopEvent) => void
  /** That a score comes from where the model does not know such traffic. */
  readonly unfamiliar: (score: Score) => Unfamiliar | null
  /** What happened to pods at admission; absent where nobody audits it. */
  readonly admission?: AdmissionContext | undefined
}

const CHECKPOINT = 'verdict'
/** Open detections are far fewer; a bound for what is read at a start. */
const MAX_RESTORED = 5_000

/**
 * Keeps the evidence and the detections that come of it. A detection that opens or closes is written at once, one that
 * goes on at the next `flush`: its windows are many and its newest state says all. When one closes, the trail is told why it was open.
 */
export class DetectionDesk {
  /** Out of which pods forged packets come: evidence beside scores. */
  readonly forgers: Forgers
  readonly #parts: DetectionDeskParts
  readonly #changed = new Map<string, Detection>()
  #state: VerdictState = emptyVerdict()
  #dropped = 0
  #touched = false
  /** Addresses of the sources that an open detection names; null after anything changed. */
  #suspects: ReadonlySet<string> | null = null

  constructor (parts: DetectionDeskParts) {
    this.#parts = parts
    this.forgers = new Forgers(parts)
  }

  /** Takes up where the last run ended. Gives the detections that go on. */
  async restore (): Promise<readonly Detection[]> {
    const { store, checkpoints } = this.#parts
    const { state, ended } = loadVerdict(checkpoints.load(CHECKPOINT), store.detections.list({ limit: MAX_RESTORED }))
    this.#state = state
    this.#suspects = null
    await Promise.all(ended.map(async (detection) => this.#keep(detection)))
    return [...state.cases.values()].flatMap(({ detection }) => detection === null || detection.phase === 'closed' ? [] : [detection])
  }

  setModel (model: ModelInfo): void {
    this.take({ type: 'model', model })
  }

  /** Takes one event in and gives what came of it; what is to be written at once is asked for before it returns. */
  take (event: VerdictEvent): { effects: readonly VerdictEffect[], kept: Promise<unknown> } {
    const { clock, newId, pods, sharedAddresses, metrics, unfamiliar } = this.#parts
    const effects = step(this.#state, event, {
      nowMs: clock.now(),
      newId,
      whois: (address) => pods.byAddress(address),
      standsForMany: (address) => sharedAddresses.has(address),
      unfamiliar,
      foundAtAdmission: (address) => this.#foundAtAdmission(address),
      forging: () => this.forgers.list(),
    })
    this.#touched ||= event.type !== 'tick' || effects.length > 0
    if (effects.length > 0) this.#suspects = null
    if (this.#state.cases.dropped > this.#dropped) metrics.dropped('case', this.#state.cases.dropped - this.#dropped)
    this.#dropped = this.#state.cases.dropped
    return { effects, kept: Promise.all(effects.map(async (effect) => this.#write(effect))) }
  }

  /** Addresses whose traffic is not legitimate: an open detection names them as its source. */
  suspects (): ReadonlySet<string> {
    this.#suspects ??= new Set([...this.#state.cases.values()].flatMap(({ detection }) => detection?.phase === 'open' && detection.source !== null ? [detection.source.address] : []))
    return this.#suspects
  }

  /** What is remembered of live traffic. */
  get memory (): Memory {
    return this.#state.memory.live
  }

  /** Changes what is remembered, and saves it at once. */
  async edit (change: (memory: Memory) => void): Promise<void> {
    change(this.memory)
    this.#touched = true
    await this.checkpoint()
  }

  /** Those that are open now. */
  open (): readonly Detection[] {
    return [...this.#state.cases.values()].flatMap(({ detection }) => detection?.phase === 'open' ? [detection] : [])
  }

  /**
   * Of a detection about all that a source reaches: those of its class and source on single pairs that are open, or of which the score that
   * speaks of it still holds windows.
   */
  pairsOf ({ kind, class: className, source, simulated }: Detection, score: Score): readonly Detection[] {
    if (kind !== 'fan-out' || source === null) return []
    const isHeld = ({ phase, lastSeen }: Detection): boolean => phase === 'open' || (phase === 'closed' && Date.parse(lastSeen) > tensorStartMs(score))
    const told = [...this.#state.cases.values()].flatMap(({ detection }) => detection === null || !isHeld(detection) ? [] : [detection])
    return told.filter((other) => other.kind === 'pair' && other.class === className && other.source?.address === source.address && other.simulated === simulated)
  }

  /** What is usual for the key of a score, to be explained beside it. */
  usual (score: Score): { usual: readonly number[], usualFrom: 'key' | 'training' } {
    return this.#state.model === null ? { usual: [], usualFrom: 'training' } : usualFor(score, this.#state.model, this.#state.baselines)
  }

  async explained (detection: string, explanation: Explanation): Promise<void> {
    await this.take({ type: 'explained', detection, explanation }).kept
    await this.flush()
  }

  /** Takes in what the other end answered. Resolves to what came of it, when that is written. */
  async compared (event: Extract<VerdictEvent, { type: 'compared' }>): Promise<readonly VerdictEffect[]> {
    const { effects, kept } = this.take(event)
    await kept
    await this.flush()
    return effects
  }

  /** Writes what has gone on since the last time. */
  async flush (): Promise<void> {
    const changed = [...this.#changed.values()]
    this.#changed.clear()
    await Promise.all(changed.map(async (detection) => this.#keep(detection)))
  }

  /** Writes the evidence that no detection tells of; all detections can be taken up without it. */
  async checkpoint (): Promise<void> {
    if (!this.#touched) return
    this.#touched = false
    await this.#parts.journal.keep({ writes: () => [this.#parts.checkpoints.save(CHECKPOINT, saveVerdict(this.#state))], audit: [] })
  }

  #foundAtAdmission (address: string): string | null {
    const { admission, pods, clock } = this.#parts
    const pod = pods.byAddress(address)
    if (pod === null || admission === undefined) return null
    const warnings = admission.contextOf(pod, clock.now()).filter(({ severity }) => atLeast(severity, 'medium'))
    return warnings.at(-1)?.text ?? null
  }

  async #write ({ type, detection }: VerdictEffect): Promise<void> {
    if (type === 'updated') {
      this.#changed.set(detection.id, detection)
      return
    }
    this.#changed.delete(detection.id)
    this.#parts.metrics.detection(detection.class, detection.phase)
    await this.#keep(detection, type === 'closed' ? closingOf(detection) : [])
  }

  async #keep (told: Detection, audit: readonly NewAuditEntry[] = []): Promise<void> {
    const { journal, store, publish, admission } = this.#parts
    const detection = admission === undefined ? told : withAdmission(told, store.detections.get(told.id), admission)
    await journal.keep({
      writes: () => [store.detections.put(detection.id, detection)],
      audit,
      then: () => publish({ type: 'detection', detection }),
    })
  }
}
