import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { restoreMemory, SavedMemory, saveMemory } from '../evidence/saved-memory.ts'
import { FEATURES, keyId, type StepMs, type WindowKey, STEPS_MS } from '../window/window.ts'
import { isLive, knownAgain } from './baseline.ts'
import { caseId, QUIET_STEPS, type Case } from './case.ts'
import type { Detection } from './detection.ts'
import { emptyVerdict, type VerdictState } from './state.ts'

const SavedCase = Type.Object({
  className: Type.String(),
  key: Type.Object({
    kind: Type.Union([Type.Literal('pair'), Type.Literal('fan-out'), Type.Literal('fan-in')]),
    source: Type.Optional(Type.String()),
    destination: Type.Optional(Type.String()),
  }),
  streams: Type.Array(Type.Object({
    reporter: Type.String(),
    stepMs: Type.Union([Type.Literal(500), Type.Literal(15_000), Type.Literal(60_000)]),
    windowNumber: Type.Integer(),
    evidence: Type.Number(),
    /** Absent in what an older version saved: it is asked anew. */
    handshake: Type.Optional(Type.Number()),
    ownAccount: Type.Optional(Type.Number()),
    supportedMs: Type.Optional(Type.Number()),
  })),
  begunBy: Type.String(),
  /** Id; the detection itself is in the store. */
  detection: Type.Union([Type.String(), Type.Null()]),
  confidence: Type.Number(),
  count: Type.Integer(),
  firstPacketMs: Type.Number(),
  firstSeenMs: Type.Number(),
  lastSeenMs: Type.Number(),
  touchedAtMs: Type.Number(),
  quietMs: Type.Number(),
  source: Type.Object({ completedHandshake: Type.Boolean(), confirmedByOwnObserver: Type.Boolean(), deniedByOwnObserver: Type.Optional(Type.Literal(true)), standsForMany: Type.Boolean() }),
  simulated: Type.Literal(false),
})

export const SavedVerdict = Type.Object({
  version: Type.Literal(1),
  cases: Type.Array(SavedCase),
  chains: Type.Array(Type.Object({ teller: Type.String(), id: Type.String(), lastMs: Type.Number() })),
  /** Absent in what an older version saved, whose means followed attacks: it is learnt anew. */
  usual: Type.Optional(Type.Array(Type.Object({ at: Type.String(), hours: Type.Integer({ minimum: 1 }), means: Type.Array(Type.Number(), { minItems: FEATURES.length, maxItems: FEATURES.length }) }))),
  /** Absent in what an older version saved: everything is learnt anew. */
  memory: Type.Optional(SavedMemory),
})
export type SavedVerdict = Static<typeof SavedVerdict>

/** What a checkpoint holds at most, newest first: it is written every few seconds. */
const MAX_SAVED = 2_000

/** Plain JSON of what a restart needs beside the stored detections. */
export function saveVerdict (state: VerdictState): SavedVerdict {
  return {
    version: 1,
    cases: [...state.cases.values()].filter(({ simulated }) => !simulated).slice(-MAX_SAVED).map((of) => ({ ...of, key: { ...of.key }, detection: of.detection?.id ?? null, simulated: false })),
    chains: [...state.chains].slice(-MAX_SAVED).map(([teller, chain]) => ({ teller, ...chain })),
    usual: [...state.baselines.table].filter(([at, { hours }]) => isLive(at) && hours > 0).slice(-MAX_SAVED).map(([at, { hours, means }]) => ({ at, hours, means: [...means] })),
    memory: saveMemory(state.memory.live),
  }
}

/**
 * The state to go on with. `saved` may be missing, of another version or older than the stored detections (newest
 * first): those that are not closed are taken up from themselves, so that one attack stays one detection over a kill at
 * any moment. A replay ends with its process and starts at its beginning: its detections come back as `ended`, closed.
 */
export function loadVerdict (saved: unknown, detections: readonly Detection[]): { state: VerdictState, ended: readonly Detection[] } {
  const state = emptyVerdict()
  const live = detections.filter(({ simulated }) => !simulated)
  if (Value.Check(SavedVerdict, saved)) restore(state, saved, new Map(live.map((detection) => [detection.id, detection])))
  const known = new Set([...state.cases.values()].map(({ detection }) => detection?.id))
  for (const detection of live.toReversed()) {
    if (detection.phase !== 'closed' && !known.has(detection.id)) adopt(state, detection)
  }
  const ended = detections.filter(({ simulated, phase }) => simulated && phase !== 'closed')
  return { state, ended: ended.map((detection) => ({ ...detection, phase: 'closed' })) }
}

function restore (state: VerdictState, saved: SavedVerdict, byId: ReadonlyMap<string, Detection>): void {
  for (const { teller, id, lastMs } of saved.chains) state.chains.set(teller, { id, lastMs })
  for (const { at, hours, means } of saved.usual ?? []) state.baselines.table.set(at, knownAgain(hours, means))
  if (saved.memory !== undefined) restoreMemory(state.memory.live, saved.memory)
  for (const { key: savedKey, detection: id, ...of } of saved.cases) {
    const key = keyFrom(savedKey.kind, savedKey.source, savedKey.destination)
    const detection = id === null ? null : byId.get(id)
    if (key !== null && detection !== undefined) {
      const streams = of.streams.map((stream) => ({ handshake: 0, ownAccount: 0, ...stream }))
      state.cases.put(caseId(of.className, keyId(key), of.simulated), { ...of, streams, key, detection })
    }
  }
}

function adopt (state: VerdictState, detection: Detection): void {
  const key = keyFrom(detection.kind, detection.source?.address, detection.target?.address)
  if (key === null) return
  const [firstSeenMs, lastSeenMs] = [Date.parse(detection.firstSeen), Date.parse(detection.lastSeen)]
  const taken: Case = {
    className: detection.class,
    key,
    streams: [],
    begunBy: detection.witnesses[0]?.reporter ?? '',
    detection,
    confidence: detection.confidence,
    count: detection.count,
    firstPacketMs: firstSeenMs,
    firstSeenMs,
    lastSeenMs,
    touchedAtMs: lastSeenMs,
    quietMs: QUIET_STEPS * longestKnown(detection),
    // What proved the source is asked anew of the next window.
    source: { completedHandshake: false, confirmedByOwnObserver: false, standsForMany: false },
    simulated: detection.simulated,
  }
  state.cases.put(caseId(detection.class, keyId(key), detection.simulated), taken)
}

const longestKnown = ({ explanation }: Detection): StepMs => STEPS_MS.find((stepMs) => stepMs === explanation.stepMs) ?? STEPS_MS[0]

function keyFrom (kind: WindowKey['kind'], source: string | undefined, destination: string | undefined): WindowKey | null {
  if (kind === 'pair') return source === undefined || destination === undefined ? null : { kind, source, destination }
  if (kind === 'fan-out') return source === undefined ? null : { kind, source }
  return destination === undefined ? null : { kind, destination }
}
