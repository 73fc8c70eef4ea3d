import { randomUUID } from 'node:crypto'
import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import type { EvidenceKind } from '../../src/core/evidence/kind.ts'
import type { Detection } from '../../src/core/verdict/detection.ts'
import { EVIDENCE_SETTINGS } from '../../src/core/verdict/evidence.ts'
import type { Score } from '../../src/core/verdict/score.ts'
import { keyId, windowStartMs, type Window } from '../../src/core/window/window.ts'
import { OfflineDetector } from '../../src/detector/offline.ts'
import type { Scorer } from '../../src/ports/scorer.ts'
import { GroundTruth } from '../training/ground-truth.ts'
import type { Attack } from '../training/run-labels.ts'
import type { Run } from '../training/run-source.ts'
import { accountsOf, type Account } from '../training/window-recording.ts'
import type { Explained } from './faithfulness.ts'
import { beginningOf, ownerOf } from './match.ts'

/** What became of one attack. */
export interface AttackOutcome {
  readonly attack: Attack
  /** The first detection of its class; null where there is none. */
  readonly found: { readonly detection: Detection, readonly delaySeconds: number } | null
  /** Classes of the other detections that name it. */
  readonly otherwise: readonly string[]
}

/** The highest probabilities that one benign key, or one attack, came to: [classes]. */
export interface Peak { readonly label: number, readonly peak: Float32Array }

export interface RunOutcome {
  readonly run: string
  readonly source: string
  readonly attacks: readonly AttackOutcome[]
  readonly falseAlarms: readonly Detection[]
  /** Pairs that were seen and belong to no attack. */
  readonly benignPairs: number
  /** From the first window to the last. */
  readonly hours: number
  readonly peaks: readonly Peak[]
}

const reporterNamed = (observer: string): string => `spiffe://autoshield.local/ns/replay/pod/${observer === '' ? 'replay' : observer}`
const [SENT, RECEIVED] = [CONTEXT_COLUMNS.indexOf('packets_sent'), CONTEXT_COLUMNS.indexOf('packets_received')]
/** Windows that are taken at one time, as an observer's batch. */
const BATCH = 512

/** Puts one capture through tensors, scorer and verdict as `autoshield detect` does, with these kinds of named evidence, and holds what was said against its labels. `onExplained` is told each score by which a detection was explained. */
export async function judgeRun (scorer: Scorer, kinds: readonly EvidenceKind[], { capture, labels, source }: Run, onExplained: (explained: Explained) => void = () => undefined): Promise<RunOutcome> {
  const { windows, reporterOf } = asTheyCame(await accountsOf(capture))
  const peaks = new Peaks(scorer.model.classes.length, new GroundTruth(labels, windows, scorer.model.classes))
  const openedMs = new Map<string, number>()
  const detector = new OfflineDetector({ settings: { ...EVIDENCE_SETTINGS, kinds }, scorer, reporterOf, whois: () => null, newId: randomUUID, onScore: (score) => peaks.take(score), onExplained, onOpened: ({ id }, atMs) => openedMs.set(id, atMs) })
  const detections: Detection[] = []
  for (let first = 0; first < windows.length; first += BATCH) detections.push(...await detector.take(windows.slice(first, first + BATCH)))
  detections.push(...detector.end())

  const pairs = pairsOf(windows)
  const owned = detections.map((detection) => ({ detection, atMs: openedMs.get(detection.id) ?? NaN })).map((one) => ({ ...one, owner: ownerOf(one.detection, one.atMs, labels) }))
  const attacks = labels.attacks.map((attack, index): AttackOutcome => {
    const about = owned.filter(({ owner }) => owner.kind === 'attack' && owner.index === index).sort((one, other) => one.atMs - other.atMs)
    const right = about.find(({ detection }) => detection.class === attack.class)
    return {
      attack,
      found: right === undefined ? null : { detection: right.detection, delaySeconds: Math.max(0, right.atMs - beginningOf(attack, pairs, labels.pods)) / 1000 },
      otherwise: [...new Set(about.filter(({ detection }) => detection.class !== attack.class).map(({ detection }) => detection.class))],
    }
  })
  return {
    run: labels.run,
    source,
    attacks,
    falseAlarms: owned.filter(({ owner }) => owner.kind === 'false').map(({ detection }) => detection),
    benignPairs: peaks.benignPairs,
    hours: hoursOf(windows),
    peaks: peaks.list(),
  }
}

/** The windows of all observers in the order in which they closed, and whose each is. */
function asTheyCame (accounts: readonly Account[]): { readonly windows: readonly Window[], readonly reporterOf: (window: Window) => string } {
  const reporters = new Map(accounts.flatMap(({ observer, windows }) => windows.map((window) => [window, reporterNamed(observer)])))
  const endMs = (window: Window): number => windowStartMs(window) + window.stepMs
  const windows = [...reporters.keys()]
  return { windows: accounts.length === 1 ? windows : windows.sort((one, other) => endMs(one) - endMs(other)), reporterOf: (window) => reporters.get(window) ?? reporterNamed('') }
}

const pairsOf = (windows: readonly Window[]) =>
  windows.flatMap((window) => window.key.kind === 'pair' ? [{ startMs: windowStartMs(window), source: window.key.source, destination: window.key.destination }] : [])

function hoursOf (windows: readonly Window[]): number {
  const [first, last] = windows.reduce(([from, to], window) => [Math.min(from, windowStartMs(window)), Math.max(to, windowStartMs(window) + window.stepMs)], [Infinity, -Infinity])
  return windows.length === 0 ? 0 : (last - first) / 3_600_000
}

/** Keeps the highest probabilities by attack and by benign key, of tensors that are examples of something. */
class Peaks {
  readonly #classes: number
  readonly #truth: GroundTruth
  readonly #peaks = new Map<string, Peak>()
  readonly #benignPairs = new Set<string>()

  constructor (classes: number, truth: GroundTruth) {
    this.#classes = classes
    this.#truth = truth
  }

  get benignPairs (): number {
    return this.#benignPairs.size
  }

  take ({ window, context, probabilities }: Score): void {
    const verdict = this.#truth.verdict(window, (context[SENT] ?? 0) + (context[RECEIVED] ?? 0))
    if (verdict === null) return
    const id = verdict.label > 0 ? `attack ${verdict.attack}` : keyId(window.key)
    if (verdict.label === 0 && window.key.kind === 'pair') this.#benignPairs.add(id)
    const { peak } = this.#peaks.get(id) ?? this.#put(id, { label: verdict.label, peak: new Float32Array(this.#classes) })
    for (const [index, probability] of probabilities.entries()) peak[index] = Math.max(peak[index] ?? 0, probability)
  }

  list (): Peak[] {
    return [...this.#peaks.values()]
  }

  #put (id: string, peak: Peak): Peak {
    this.#peaks.set(id, peak)
    return peak
  }
}
