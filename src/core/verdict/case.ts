import { explain } from '../explain/explain.ts'
import { usualKey } from '../explain/occlusion.ts'
import { techniqueOf, type OwnTechniques } from '../classes.ts'
import type { Pod } from '../pod.ts'
import type { SourceEvidence } from '../safety/safety.ts'
import { FEATURES, TENSOR_WINDOWS, type StepMs, type WindowKey, windowStartMs } from '../window/window.ts'
import { usualOf, type Baselines } from './baseline.ts'
import type { Detection, Endpoint, Explanation, FeatureEvidence } from './detection.ts'
import type { Score } from './score.ts'

/** What the verdict needs of the model behind the scores; `ModelInfo` of ports/scorer.ts is one. */
export interface VerdictModel {
  readonly version: string
  readonly classes: readonly string[]
  readonly thresholds: readonly number[]
  readonly usual: Readonly<Record<string, readonly number[]>>
  readonly techniques?: OwnTechniques
}

/** Evidence of one observer at one step. */
interface Stream {
  readonly reporter: string
  readonly stepMs: StepMs
  /** Of the newest window that counted; older ones are resent after a reconnection and count once. */
  windowNumber: number
  /** Nats. */
  evidence: number
  /** Of that, what scores came to of which each proved the source (`SourceEvidence`), nats. */
  handshake: number
  ownAccount: number
  /** End of the newest window that supports the case; absent where none has. */
  supportedMs?: number
}

/**
 * One class on one key while it is looked at: at first only watched, then told as a detection. A closed case stays for
 * a while, so that windows which are sent again do not open it anew. Changed by `step` of verdict.ts alone.
 */
export interface Case {
  readonly className: string
  readonly key: WindowKey
  readonly streams: Stream[]
  /** The observer whose score began it. */
  readonly begunBy: string
  /** null while it is only watched. */
  detection: Detection | null
  /** Peak of what the evidence stands for, 0..1. */
  confidence: number
  count: number
  firstPacketMs: number
  firstSeenMs: number
  /** End of the newest window that supports it, by the observer's clock. */
  lastSeenMs: number
  /** When the newest support came, by ours. */
  touchedAtMs: number
  /** Ten of its longest supporting steps. */
  quietMs: number
  source: SourceEvidence
  readonly simulated: boolean
}

const UNPROVED: SourceEvidence = { completedHandshake: false, confirmedByOwnObserver: false, standsForMany: false }

/** Watched from this score on. */
export const newCase = (className: string, key: WindowKey, score: Score): Case => ({
  className,
  key,
  streams: [],
  begunBy: score.reporter,
  detection: null,
  confidence: 0,
  count: 0,
  firstPacketMs: firstPacketOf(score),
  firstSeenMs: windowStartMs(score.window),
  lastSeenMs: 0,
  touchedAtMs: 0,
  quietMs: 0,
  source: UNPROVED,
  simulated: score.simulated,
})

/** Steps without support after which a case is closed. */
export const QUIET_STEPS = 10
/** An observer at either end, at three steps, and spare; what comes beyond it is not a witness. */
export const MAX_STREAMS = 12

/** One case a class and key; a replay of the same addresses is another matter than live traffic. */
export const caseId = (className: string, keyText: string, simulated: boolean): string => `${simulated ? 'replay' : 'live'} ${className} ${keyText}`

export const windowEndMs = (score: Score): number => windowStartMs(score.window) + score.stepMs

/** Unix ms at which the tensor of a score begins. */
export const tensorStartMs = (score: Score): number => windowEndMs(score) - TENSOR_WINDOWS * score.stepMs

/**
 * The first packet of the burst that ends in this tensor. For a pair or fan-out the run of busy windows before the
 * newest belongs to it, known to one step; a destination is busy with others, so of a fan-in only the window counts.
 */
export function firstPacketOf (score: Score): number {
  if (score.key.kind === 'fan-in') return score.window.firstPacketMs
  let run = 0
  while (run + 1 < TENSOR_WINDOWS && isBusy(score.tensor, TENSOR_WINDOWS - 2 - run)) run++
  return run === 0 ? score.window.firstPacketMs : windowStartMs({ number: score.windowNumber - run, stepMs: score.stepMs })
}

/**
 * Whether a score that speaks for a case tells of nothing but what shorter steps saw end: its tensor holds their support, and its newest
 * window began after it. A pair that talks on is else under suspicion for the twenty steps that a tensor holds, up to twenty minutes.
 */
export function isEcho ({ streams }: Case, score: Score): boolean {
  const shorterMs = Math.max(...streams.map(({ stepMs, supportedMs }) => stepMs < score.stepMs ? supportedMs ?? -Infinity : -Infinity))
  return shorterMs > tensorStartMs(score) && shorterMs <= windowStartMs(score.window)
}

const isBusy = (tensor: Float32Array, row: number): boolean =>
  tensor.subarray(row * FEATURES.length, (row + 1) * FEATURES.length).some((value) => value !== 0)

/** Who has an address now; null where nobody known has. */
export type Whois = (address: string) => Pod | null

export function endpointOf (address: string, whois: Whois): Endpoint {
  const pod = whois(address)
  return pod === null ? { address } : { address, uid: pod.uid, name: pod.name, namespace: pod.namespace }
}

/** What can be said before the model was asked which features made the score: values beside what is usual. */
export function firstAccount (className: string, score: Score, model: VerdictModel, baselines: Baselines): Explanation {
  const { usual, usualFrom } = usualFor(score, model, baselines)
  const newest = (TENSOR_WINDOWS - 1) * FEATURES.length
  const evidence: FeatureEvidence[] = FEATURES.map((feature, column) => ({
    feature, value: score.tensor[newest + column] ?? 0, usual: usual[column] ?? 0, usualFrom, contribution: 0,
  }))
  return explain({ className, technique: techniqueOf(className, model.techniques), score, evidence, found: null })
}

/** What is usual for the key of a score, or for keys of its kind where it has no history. 12 values. */
export function usualFor (score: Pick<Score, 'key' | 'stepMs' | 'simulated'>, model: VerdictModel, baselines: Baselines): { usual: readonly number[], usualFrom: 'key' | 'training' } {
  const own = usualOf(baselines, score)
  if (own !== null) return { usual: own, usualFrom: 'key' }
  return { usual: model.usual[usualKey(score.key.kind, score.stepMs)] ?? FEATURES.map(() => 0), usualFrom: 'training' }
}

const iso = (ms: number): string => new Date(ms).toISOString()

/** The detection as it is told first. Ends are named here once: an address that goes to another pod later accuses nobody else. */
export function firstTelling (of: Case, id: string, chain: string, model: VerdictModel, whois: Whois, explanation: Explanation): Detection {
  const { key } = of
  return {
    ...retold(of, {
      id,
      class: of.className,
      kind: key.kind,
      source: key.kind === 'fan-in' ? null : endpointOf(key.source, whois),
      target: key.kind === 'fan-out' ? null : endpointOf(key.destination, whois),
      phase: 'suspected',
      confidence: 0,
      firstSeen: '',
      lastSeen: '',
      delaySeconds: null,
      count: 1,
      witnesses: [],
      explanation,
      technique: techniqueOf(of.className, model.techniques),
      model: model.version,
      chain,
      simulated: of.simulated,
    }),
  }
}

/** The detection with what the case knows by now. */
export function retold (of: Case, before: Detection): Detection {
  return {
    ...before,
    confidence: of.confidence,
    firstSeen: iso(of.firstSeenMs),
    lastSeen: iso(of.lastSeenMs),
    count: of.count,
  }
}

/** The observer of a score as a witness of the detection: its best quality is kept, and that it once agreed. */
export function withWitness (detection: Detection, score: Score, agrees: boolean | null): Detection {
  const known = detection.witnesses.find(({ reporter }) => reporter === score.reporter)
  if (known === undefined && detection.witnesses.length >= MAX_STREAMS) return detection
  const witness = {
    reporter: score.reporter,
    quality: Math.min(known?.quality ?? score.window.quality, score.window.quality),
    agrees: known?.agrees === true || agrees === true ? true : agrees ?? known?.agrees ?? null,
  }
  if (known !== undefined && known.quality === witness.quality && known.agrees === witness.agrees) return detection
  return { ...detection, witnesses: [...detection.witnesses.filter((other) => other !== known), witness] }
}

/** The source's own observer as a witness, which was asked and sees every packet; in place of what it told unasked. */
export function withAnswer (detection: Detection, reporter: string, agrees: boolean): Detection {
  const known = detection.witnesses.find((witness) => witness.reporter === reporter)
  if (known?.agrees === agrees) return detection
  return { ...detection, witnesses: [...detection.witnesses.filter((other) => other !== known), { reporter, quality: known?.quality ?? 0, agrees }] }
}
