import type { Detection } from '../../../core/verdict/detection.ts'
import type { Mitigation } from '../../../core/mitigation/mitigation.ts'
import { classWords, endpointName, isIsolation, stillThrough } from './words.ts'
import { activeMitigations, decisionsOf, type Wall } from './wall.ts'

/** `wrong` is the only tone that gets a colour. */
export interface Sentence { readonly tone: 'quiet' | 'notice' | 'wrong', readonly text: string, readonly detection: string | null, readonly simulated: boolean }

const say = (tone: Sentence['tone'], text: string): Sentence => ({ tone, text, detection: null, simulated: false })
const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

/** Who does what to whom: `ci-runner-0 is guessing passwords on db-0`. */
export function deed ({ class: name, source, target, phase }: Detection): string {
  const now = classWords(name)
  const past = (text: string): string => text.replace(/\bis\b/, 'was').replace(/\bare\b/, 'were')
  const words = phase === 'closed' ? { doing: past(now.doing), forged: past(now.forged) } : now
  const to = target === null ? 'many addresses' : endpointName(target)
  return source === null ? `${words.forged} ${to}` : `${endpointName(source)} ${words.doing} ${to}`
}

/** Of several restrictions the one that tells most: what is got past, then what stops traffic. */
function weight (mitigation: Mitigation): number {
  if (stillThrough(mitigation) !== null) return 4
  return isIsolation(mitigation.spec) ? 3 : { deny: 2, limit: 1, quarantine: 0, watch: -1 }[mitigation.spec.action]
}

function answer (wall: Wall, detection: Detection, active: readonly Mitigation[], clock: (ms: number) => string): string {
  const mitigation = active.filter(({ spec }) => spec.detection === detection.id).sort((one, other) => weight(other) - weight(one))[0]
  if (mitigation !== undefined) {
    const { spec, status, metadata } = mitigation
    const done = isIsolation(spec) ? 'isolated' : { deny: 'denied', limit: 'limited', watch: 'watched', quarantine: 'its node closed to new pods' }[spec.action]
    const taken = status.targets.filter(({ state }) => state === 'programmed').length
    const until = `ends ${clock(Date.parse(spec.expiresAt))}`
    if (status.simulated) return `it would be ${done} (simulated) until ${clock(Date.parse(spec.expiresAt))}`
    if (status.targets.length === 0) return 'no proxy and no policy object can carry a restriction'
    if (taken === 0) return `a restriction waits for ${plural(status.targets.length, 'target')} to take it, ${until}`
    const through = stillThrough(mitigation) === null ? '' : ', but some of it still gets through'
    return `${spec.node === undefined ? `${done} at ${plural(taken, 'target')}` : done} since ${clock(Date.parse(metadata.creationTimestamp))}${through}, ${until}`
  }
  const ended = [...wall.mitigations.values()].find(({ spec }) => spec.detection === detection.id)
  if (ended !== undefined) return `nothing restricts it now: the restriction ${ended.status.phase === 'reverted' ? 'was undone' : 'has expired'}`
  const [decision] = decisionsOf(wall, detection.id)
  if (decision === undefined) return 'nothing restricts it: no rule has fired'
  if (decision.verdict === 'hold') return `nothing restricts it: held, ${decision.message}`
  if (decision.verdict === 'alert') return 'nothing restricts it: the rule only alerts'
  return `nothing restricts it: ${decision.message}`
}

/**
 * What a person should read first: real before replayed; what nothing answers before what is restricted, and last what
 * the policy wants told only; then what has a name for its source, then the surest.
 */
function byUrgency (wall: Wall, active: readonly Mitigation[]): (a: Detection, b: Detection) => number {
  const answered = ({ id }: Detection): number => {
    if (active.some(({ spec }) => spec.detection === id)) return 1
    const decisions = decisionsOf(wall, id)
    return decisions.length > 0 && decisions.every(({ verdict }) => verdict === 'alert') ? 2 : 0
  }
  const nameless = ({ source }: Detection): number => source === null ? 1 : 0
  return (a, b) => Number(a.simulated) - Number(b.simulated) || answered(a) - answered(b) || nameless(a) - nameless(b) || b.confidence - a.confidence
}

function watched (wall: Wall): string {
  const unobserved = wall.pods.filter(({ observed }) => observed === false).length
  const known = wall.pods.some(({ observed }) => observed !== null)
  if (!known) return plural(wall.pods.length, 'pod')
  return `${plural(wall.pods.length - unobserved, 'pod')} watched${unobserved > 0 ? `, ${unobserved} not` : ''}`
}

/** The one sentence on top of the page. `clock` writes a time for the reader. */
export function sentenceOf (wall: Wall, nowMs: number, clock: (ms: number) => string): Sentence {
  if (!wall.loaded) return say('notice', wall.link.state === 'lost' ? 'The console does not answer.' : 'Asking the console how things are …')
  if (wall.link.state === 'lost') return say('wrong', `The console does not answer since ${clock(wall.link.sinceMs)}; what is below is from then.`)
  const active = activeMitigations(wall, nowMs)
  const open = [...wall.detections.values()].filter(({ phase }) => phase === 'open').sort(byUrgency(wall, active))
  const [first] = open
  if (first !== undefined) {
    const more = open.length > 1 ? ` ${open.length - 1} more below.` : ''
    const what = deed(first)
    const told = first.simulated ? `In a replay, ${first.source === null ? what.charAt(0).toLowerCase() + what.slice(1) : what}` : what
    const text = `${told} since ${clock(Date.parse(first.firstSeen))}; ${answer(wall, first, active, clock)}`.replace(/\.?$/, '.')
    return { tone: 'wrong', text: text + more, detection: first.id, simulated: first.simulated }
  }
  if (wall.halt !== null) return say('notice', `All new actions are stopped by ${wall.halt.by} since ${clock(Date.parse(wall.halt.at))}: ${wall.halt.reason}.`)
  if (!wall.ready) return say('wrong', `Not watching: ${wall.reasons.join('; ')}.`)
  if (wall.stats === null && wall.pods.length === 0) return say('notice', 'No traffic has been seen yet.')
  const suspected = [...wall.detections.values()].filter(({ phase }) => phase === 'suspected').length
  const real = active.filter(({ status }) => !status.simulated).length
  const restricted = active.length === 0
    ? 'nothing restricted'
    : `${plural(real, 'restriction')} in force${active.length > real ? ` and ${active.length - real} simulated` : ''}`
  if (suspected > 0) return say('notice', `${plural(suspected, 'suspicion')}, nothing confirmed: ${watched(wall)}, ${restricted}.`)
  return say('quiet', `Quiet: ${watched(wall)}, ${restricted}.`)
}
