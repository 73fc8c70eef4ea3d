import { stringify } from 'yaml'
import type { Fleet } from '../../xds/fleet.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { Decision } from '../core/policy/decision.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import { nameOf } from '../core/rollout/ladder.ts'
import type { LoopEvent } from '../ports/loop.ts'
import { plain } from './output.ts'

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`
const whom = (detection: Detection): string => {
  const name = (end: Detection['source'], nobody: string): string =>
    end === null ? nobody : end.name === undefined ? end.address : `${end.namespace ?? ''}/${end.name} (${end.address})`
  return `${name(detection.source, 'many sources')} -> ${name(detection.target, 'many targets')}`
}

export interface StorySources {
  /** Base URL of the API, for what is too long for a terminal. */
  readonly api: string
  readonly snapshot: Fleet['snapshot']
}

/** Tells the loop's events as the lines of a terminal; a detection is told when it opens and closes, not at each update. */
export class Story {
  readonly #sources: StorySources
  readonly #phases = new Map<string, string>()
  readonly #mitigations = new Map<string, string>()
  readonly #rollouts = new Map<string, string>()
  /** Plans that were shown in full: one of each rule and action is enough for a reader. */
  readonly #plans = new Map<string, string>()
  #lastTrafficMs = 0

  constructor (sources: StorySources) {
    this.#sources = sources
  }

  /** The lines for one event; none where nothing new is to be said. */
  tell (event: LoopEvent): readonly string[] {
    switch (event.type) {
      case 'traffic': return this.#traffic(event)
      case 'detection': return this.#detection(event.detection)
      case 'decision': return this.#decision(event.decision)
      case 'mitigation': return this.#mitigation(event.mitigation)
      case 'halt': return [event.halt === null ? 'panic      actions go on' : `panic      no new action: stopped by ${plain(event.halt.by)}: ${plain(event.halt.reason)}`]
      case 'rollout': return this.#rollout(event)
      case 'changed': return []
      // Pods without a proxy are every pod of a recording; the snapshot that they would get is told with the mitigation.
      case 'proxy': return event.status.connected || event.status.state === 'rejected' ? [`xds        proxy of pod ${plain(event.status.podUid)}: ${event.status.state}, version ${event.status.version || 'none'}${event.status.message === '' ? '' : `: ${plain(event.status.message)}`}`] : []
    }
  }

  #rollout ({ name, policy }: Extract<LoopEvent, { type: 'rollout' }>): readonly string[] {
    const now = policy === null ? 'deleted' : `${nameOf(policy.status)}${policy.status.hold === undefined ? '' : `, held: ${plain(policy.status.hold.message)}`}`
    if (this.#rollouts.get(name) === now) return []
    remember(this.#rollouts, name, now)
    return [`rollout    ${plain(name)}: ${now}`]
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
    const { technique } = detection
    return [
      `DETECTION  ${detection.class} ${plain(whom(detection))}, confidence ${percent(detection.confidence)}${detection.simulated ? ' (replay)' : ''}`,
      `           why: ${plain(detection.explanation.sentence)}${technique === null ? '' : ` [${technique.id} ${technique.name}]`}`,
      `           more: npx autoshield explain ${detection.id}`,
    ]
  }

  #decision (decision: Decision): readonly string[] {
    if (decision.verdict === 'suppress' && (decision.reason === 'AlreadyMitigated' || decision.reason === 'AnsweredByPairs')) return []
    const safety = decision.safety.length === 0
      ? 'not asked'
      : decision.safety.every((check) => check.passed)
        ? `${decision.safety.length} checks passed`
        : decision.safety.filter((check) => !check.passed).map((check) => `${check.check}: ${check.message}`).join('; ')
    return [
      `rule       ${plain(decision.rule === '' ? '(none)' : decision.rule)}: ${plain(decision.message)}`,
      `safety     ${plain(safety)}`,
      `decision   ${decision.verdict} ${decision.action ?? ''} [${decision.reason}]`,
      ...this.#plan(decision),
    ]
  }

  #plan ({ id, rule, action, plan }: Decision): readonly string[] {
    if (plan.length === 0) return []
    const kind = `${rule} ${action ?? ''}`
    if (this.#plans.has(kind)) return [`plan       ${plan.map((object) => object.kind).join(', ')}; in full: ${this.#sources.api}/api/v1/decisions/${id}/plan`]
    remember(this.#plans, kind, id)
    return plan.flatMap((object) => [`plan       ${object.kind}:`, ...indented(object.yaml)])
  }

  #mitigation (mitigation: Mitigation): readonly string[] {
    const { metadata: { name }, spec, status } = mitigation
    const state = [status.phase, ...status.conditions.map((condition) => `${condition.type}=${condition.status}`)].join(' ')
    const before = this.#mitigations.get(name)
    if (before === state) return []
    remember(this.#mitigations, name, state)
    const simulated = status.simulated ? ' SIMULATED, nothing is enforced' : ''
    const told = `mitigation ${name} ${spec.action} ${state}${simulated}, until ${spec.expiresAt}`
    return before === undefined ? [told, ...this.#xds(spec, this.#mitigations.size === 1)] : [told]
  }

  /** What the Envoys of the victims get; the attacker's chain is shown the first time. */
  #xds ({ subject, victims }: Mitigation['spec'], inFull: boolean): readonly string[] {
    const [victim] = victims
    if (victim === undefined || subject === 'anySource') return []
    const snapshot = this.#sources.snapshot(victim.uid)
    const chain = snapshot === null ? undefined : findNamed(snapshot.resources, `source/${subject.addresses[0] ?? ''}`)
    if (snapshot === null || chain === undefined) return []
    const others = victims.length === 1 ? '' : `, and of ${victims.length - 1} more,`
    return [
      `xds        an Envoy of pod ${plain(victim.uid)}${others} receives version ${snapshot.version}: ${this.#sources.api}/api/v1/proxies/${encodeURIComponent(victim.uid)}/snapshot`,
      ...inFull ? indented(stringify(chain)) : [],
    ]
  }
}

const indented = (text: string): string[] => text.trimEnd().split('\n').map((line) => `             ${plain(line)}`)

/** The first object of this name anywhere in a JSON value. */
function findNamed (value: unknown, name: string): object | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if ('name' in value && value.name === name) return value
  for (const inner of Object.values(value)) {
    const found = findNamed(inner, name)
    if (found !== undefined) return found
  }
  return undefined
}

/** Keeps the newest 10,000 entries of a map. */
function remember (map: Map<string, string>, key: string, value: string): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > 10_000) map.delete(map.keys().next().value ?? '')
}
