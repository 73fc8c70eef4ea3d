import type { Detection } from '../core/verdict/detection.ts'
import type { Decision } from '../core/policy/decision.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import { techniqueOf } from '../core/classes.ts'
import type { LoopEvent } from '../ports.ts'
import { plain } from './output.ts'

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`
const whom = (detection: Detection): string => {
  const name = (end: Detection['source'], nobody: string): string =>
    end === null ? nobody : end.name === undefined ? end.address : `${end.namespace ?? ''}/${end.name} (${end.address})`
  return `${name(detection.source, 'many sources')} -> ${name(detection.target, 'many targets')}`
}

/** Tells the loop's events as the lines of a terminal; a detection is told when it opens and closes, not at each update. */
export class Story {
  readonly #phases = new Map<string, string>()
  readonly #mitigations = new Map<string, string>()
  #lastTrafficMs = 0

  /** The lines for one event; none where nothing new is to be said. */
  tell (event: LoopEvent): readonly string[] {
    switch (event.type) {
      case 'traffic': return this.#traffic(event)
      case 'detection': return this.#detection(event.detection)
      case 'decision': return decisionLines(event.decision)
      case 'mitigation': return this.#mitigation(event.mitigation)
      case 'proxy': return [`xds        proxy of pod ${plain(event.status.podUid)}: ${event.status.state}, version ${event.status.version || 'none'}${event.status.message === '' ? '' : `: ${plain(event.status.message)}`}`]
    }
  }

  #traffic ({ atMs, stats }: Extract<LoopEvent, { type: 'traffic' }>): readonly string[] {
    if (atMs - this.#lastTrafficMs < 5000) return []
    this.#lastTrafficMs = atMs
    const count = (value: number): string => value.toLocaleString('en')
    return [`traffic    ${count(stats.packets)} packets, ${count(stats.flows)} flows, ${count(stats.windows)} windows of ${count(stats.keys)} keys scored`]
  }

  #detection (detection: Detection): readonly string[] {
    if (this.#phases.get(detection.id) === detection.phase) return []
    remember(this.#phases, detection.id, detection.phase)
    if (detection.phase === 'suspected') return []
    if (detection.phase === 'closed') return [`closed     ${detection.class} ${plain(whom(detection))} (${detection.id})`]
    const technique = techniqueOf(detection.class)
    return [
      `DETECTION  ${detection.class} ${plain(whom(detection))}, confidence ${percent(detection.confidence)}${detection.simulated ? ' (replay)' : ''}`,
      `           why: ${plain(detection.explanation.sentence)}${technique === null ? '' : ` [${technique.id} ${technique.name}]`}`,
      `           more: npx autoshield explain ${detection.id}`,
    ]
  }

  #mitigation (mitigation: Mitigation): readonly string[] {
    const state = [mitigation.status.phase, ...mitigation.status.conditions.map((condition) => `${condition.type}=${condition.status}`)].join(' ')
    if (this.#mitigations.get(mitigation.metadata.name) === state) return []
    remember(this.#mitigations, mitigation.metadata.name, state)
    const simulated = mitigation.status.simulated ? ' SIMULATED, nothing is enforced' : ''
    return [`mitigation ${mitigation.metadata.name} ${mitigation.spec.action} ${state}${simulated}, until ${mitigation.spec.expiresAt}`]
  }
}

function decisionLines (decision: Decision): readonly string[] {
  if (decision.verdict === 'suppress' && decision.reason === 'AlreadyMitigated') return []
  const safety = decision.safety.length === 0
    ? 'not asked'
    : decision.safety.every((check) => check.passed)
      ? `${decision.safety.length} checks passed`
      : decision.safety.filter((check) => !check.passed).map((check) => `${check.check}: ${check.message}`).join('; ')
  return [
    `rule       ${plain(decision.rule === '' ? '(none)' : decision.rule)}: ${plain(decision.message)}`,
    `safety     ${plain(safety)}`,
    `decision   ${decision.verdict} ${decision.action ?? ''} [${decision.reason}]`,
    ...decision.plan.flatMap(({ kind, yaml }) => [`plan       ${kind}:`, ...yaml.trimEnd().split('\n').map((line) => `             ${plain(line)}`)]),
  ]
}

/** Keeps the newest 10,000 entries of a map. */
function remember (map: Map<string, string>, key: string, value: string): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > 10_000) map.delete(map.keys().next().value ?? '')
}
