import { Check } from 'typebox/value'
import type { RestrictionCount } from '../../core/mitigation/restriction-count.ts'
import { HISTOGRAMS } from '../../core/drift/buckets.ts'
import type { Known } from '../../core/drift/known.ts'
import { Comparison } from '../../core/model/comparison.ts'
import { wrongTechniques } from '../../core/model/own-technique.ts'
import type { ModelStanding } from '../../core/model/standing.ts'
import type { ModelInfo } from '../../ports/scorer.ts'
import type { DetectorStats, ScoreEvent } from '../../ports/scores.ts'
import { decodeFlows } from '../../wire/flow-columns.ts'
import type { DetectorStats as DetectorStatsMessage, Known as KnownMessage, ModelComparison, ModelStanding as ModelStandingMessage, Restrictions, Synced, Traffic, WatchEvent, WindowCounts } from '../../wire/gen/scores_pb.ts'
import { decodeRestrictionCount } from '../../wire/restriction-counts.ts'
import { decodeScores } from '../../wire/scores.ts'

/** An event in the loop's words; null for one of a newer version. `problem` where the detector contradicts itself. */
export type ReadEvent = ScoreEvent | { readonly type: 'problem', readonly problem: string } | null

/** Reads one event of a stream whose `synced` said `model`; null before that. */
export function readWatchEvent ({ event }: WatchEvent, model: ModelInfo | null): ReadEvent {
  switch (event.case) {
    case 'synced': return syncedOf(event.value)
    case 'traffic': return trafficOf(event.value)
    case 'scores': {
      if (model === null) return { type: 'problem', problem: 'scores came before the model that made them' }
      const decoded = decodeScores(event.value, { classes: model.classes.length, contexts: model.contextColumns.length })
      return decoded.ok ? { type: 'scores', scores: decoded.scores } : { type: 'problem', problem: decoded.problem }
    }
    case 'comparison': return comparisonOf(event.value)
    case 'models': return { type: 'models', standing: standingOf(event.value) }
    case 'counts': return countsOf(event.value)
    case 'restrictions': return restrictionsOf(event.value)
    case 'flows': {
      const decoded = decodeFlows(event.value)
      return decoded.ok ? { type: 'flows', sightings: decoded.sightings } : { type: 'problem', problem: decoded.problem }
    }
    case 'stats': return { type: 'stats', stats: statsOf(event.value) }
    case 'refusals': return { type: 'refusals', refusals: event.value.refusals.map(({ reason, details, peer, identity, count }) => ({ reason, details, peer, identity: identity === '' ? null : identity, count })) }
    case undefined: return null
  }
}

function syncedOf ({ version, classes, contextColumns, thresholds, usual, known, techniques: named }: Synced): ReadEvent {
  const techniques = Object.fromEntries(Object.entries(named).map(([className, { id, name }]) => [className, { id, name }]))
  const problem = wrongTechniques(techniques, classes)
  if (problem !== null) return { type: 'problem', problem: `its model ${version}: ${problem}` }
  const model: ModelInfo = { version, classes, contextColumns, thresholds, usual: Object.fromEntries(Object.entries(usual).map(([key, { features }]) => [key, features])), known: known === undefined ? null : knownOf(known), techniques }
  return { type: 'synced', model }
}

const knownOf = ({ shares, limit }: KnownMessage): Known => ({ shares: shares.map(({ values }) => values), limit })

function countsOf ({ namespaces }: WindowCounts): ReadEvent {
  if (namespaces.some(({ buckets }) => buckets.length !== HISTOGRAMS)) return { type: 'problem', problem: `windows are not counted in ${HISTOGRAMS} buckets` }
  return { type: 'counts', counts: namespaces.map(({ namespace, windows, buckets }) => ({ namespace, windows, buckets })) }
}

function comparisonOf ({ json }: ModelComparison): ReadEvent {
  const comparison = parsed(json)
  return Check(Comparison, comparison) ? { type: 'comparison', comparison } : { type: 'problem', problem: 'a comparison of models cannot be understood' }
}

/** null where it is no JSON. */
function parsed (json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}

const standingOf = ({ sequence, current, shadow, refused, by, reason, installed, classes }: ModelStandingMessage): ModelStanding =>
  ({ sequence, current, shadow: shadow === '' ? null : shadow, refused: refused.map(({ version, message }) => ({ version, message })), by, reason, installed, classes })

const statsOf = ({ observers, packets, flows, windows, tensors, keys, dropped, malformed, forgedSent, forging, refused }: DetectorStatsMessage): DetectorStats =>
  ({ observers, packets, flows, windows, tensors, keys, dropped, malformed, forgedSent, forging, refused })

function trafficOf ({ atMs, edges, stats }: Traffic): ReadEvent {
  if (stats === undefined) return { type: 'problem', problem: 'traffic came without its counts' }
  return {
    type: 'traffic',
    atMs,
    edges: edges.map(({ source, destination, packets, bytes, flows }) => ({ source, destination, packets, bytes, flows })),
    stats: statsOf(stats),
  }
}

function restrictionsOf ({ counts: sourced, everybody }: Restrictions): ReadEvent {
  const counts: RestrictionCount[] = []
  for (const { podUid, count } of [...sourced, ...everybody]) {
    const own = count === undefined ? 'a restriction count is empty' : decodeRestrictionCount(count)
    if (typeof own === 'string') return { type: 'problem', problem: own }
    counts.push({ podUid, ...own })
  }
  return { type: 'restrictions', counts }
}
