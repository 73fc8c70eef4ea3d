import type { Plan } from '../plan/plan.ts'
import { asPlanned, CANNOT_ENFORCE, conditionOf, SIMULATED, UNSEEN, withStatus, type Statement } from './conditions.ts'
import { SETTLE_MS, settleMsOf } from './escalation.ts'
import type { Mitigation, MitigationSpec, PodRef, TargetStatus } from './mitigation.ts'
import type { PolicyStanding } from './policy-standing.ts'
import { proxyTargets, type ProxyAnswer, type ProxyTarget } from './proxy-answer.ts'

/** What a new mitigation is called and rests on. */
export interface Birth {
  readonly name: string
  readonly uid: string
  readonly annotations?: Readonly<Record<string, string>>
  /** The plan that it comes from: undo, policy objects, and whether anything here can enforce it. */
  readonly plan: Pick<Plan, 'undo' | 'targets' | 'reason' | 'message'>
}

const UNCONNECTED = { state: 'simulated', message: 'planned, not applied: no cluster is connected' } as const
const UNAPPLIED = { state: 'simulated', message: 'planned, not applied: the mitigation is simulated' } as const

/** In the phase `active`; a `shadow` spec makes it simulated for life, and no status of it ever says that something is enforced. */
export function createMitigation (spec: MitigationSpec, birth: Birth, nowMs: number): Mitigation {
  const simulated = spec.mode === 'shadow'
  const { plan } = birth
  const annotations = { ...birth.annotations, ...(plan.reason === 'CannotEnforce' && { [CANNOT_ENFORCE]: plan.message }) }
  const targets: TargetStatus[] = plan.targets.map((target) => ({
    target, version: '', ...(spec.policies === undefined ? UNCONNECTED : simulated ? UNAPPLIED : { state: 'pending', message: '' }),
  }))
  const bare: Mitigation = {
    apiVersion: 'autoshield.dev/v1alpha1',
    kind: 'Mitigation',
    metadata: { name: birth.name, uid: birth.uid, generation: 1, creationTimestamp: new Date(nowMs).toISOString(), annotations },
    spec,
    status: { phase: 'active', simulated, conditions: [], targets, undo: plan.undo },
  }
  return withStatus(bare, [
    { type: 'Accepted', status: 'True', reason: 'Stored', message: 'The mitigation is valid and stored.' },
    { type: 'Programmed', status: 'False', ...(simulated ? SIMULATED : { reason: 'Pending', message: 'No target has answered yet.' }) },
    simulated ? { type: 'Enforcing', status: 'False', ...SIMULATED } : UNSEEN,
    asPlanned(bare),
  ], {}, nowMs)
}

/**
 * What its targets make of it: proxies by their answers, NetworkPolicies by `policies` (null: none are carried out here). Level-based:
 * the same answers twice change nothing, but that a proxy which stays silent is named when `nowMs` passes its deadline. What ended is
 * returned as it is.
 *
 *     simulated | targets that can | one refused | all took it | Programmed
 *     -         | some             | yes         | no          | False, Rejected
 *     yes       | any              | no          | -           | False, Simulated
 *     no        | none             | -           | -           | False, NoTargets
 *     no        | some             | no          | no          | False, Pending
 *     no        | some             | no          | yes         | True, Acknowledged
 *
 *     one refused | policies are in trouble | one is overdue       | one cannot carry all of it | Degraded
 *     yes         | -                       | -                    | -                          | True, Rejected, in the target's words
 *     no          | yes                     | -                    | -                          | True, with their reason
 *     no          | no                      | and connected        | -                          | True, ProxySilent, with the names of all that are overdue
 *     no          | no                      | none of it connected | -                          | True, ProxyAway, with their names
 *     no          | no                      | no                   | yes                        | True, CannotEnforce, with what it cannot
 *     no          | no                      | no                   | no                         | True, AttemptsContinue while attempts get through, else as planned
 *
 * As planned: True with CannotEnforce where the plan said so or VictimsLeftOut where victims are beyond the bound, else False. Policy
 * objects that are planned and not applied count for nothing.
 */
export function withTargets (mitigation: Mitigation, statuses: readonly ProxyAnswer[], policies: PolicyStanding | null, nowMs: number): Mitigation {
  if (mitigation.status.phase !== 'active' || mitigation.spec.node !== undefined) return mitigation
  const proxies = proxyTargets(mitigation, statuses, nowMs)
  const planned = mitigation.status.targets.filter(({ target }) => !target.startsWith('proxy/'))
  const released = mitigation.spec.relabel === undefined || policies === null ? [] : planned.filter(({ target }) => target.startsWith('pod/'))
  const stored = [...policies?.targets ?? [], ...released]
  const carried = programmed(mitigation, proxies.map(({ status }) => status).filter(({ state }) => state !== 'unable'), stored)
  // What was seen under the old programming proves nothing about the next.
  const unproved = carried.status === 'True' || mitigation.status.simulated ? [] : [UNSEEN]
  const targets = [...proxies.map(({ status }) => status), ...policies === null ? planned : stored]
  const proved = withStatus(mitigation, [carried, ...unproved], {}, nowMs)
  const settling = policies !== null && policies.settleMs > SETTLE_MS ? { settleSeconds: Math.ceil(policies.settleMs / 1_000) } : {}
  return withStatus(mitigation, [carried, ...unproved, degraded(proved, proxies, stored, policies)], { targets, ...settling }, nowMs)
}

/** Whether it waits for a proxy, so that a deadline may pass without any news. */
export const isAwaited = ({ status }: Mitigation): boolean => status.phase === 'active' && status.targets.some(({ target, state }) => state === 'pending' && target.startsWith('proxy/'))

function programmed (mitigation: Mitigation, proxies: readonly TargetStatus[], policies: readonly TargetStatus[]): Statement {
  const all = [...proxies, ...policies]
  const refused = all.filter(({ state }) => state === 'rejected')
  const took = (some: readonly TargetStatus[]) => some.filter(({ state }) => state === 'programmed' || state === 'simulated').length
  const said = (status: Statement['status'], reason: Statement['reason'], message: string): Statement => ({ type: 'Programmed', status, reason, message })
  const stored = policies.filter(({ target }) => !target.startsWith('pod/'))
  const words = [
    ...policies.length === 0 || proxies.length > 0 ? [`${took(proxies)} of ${proxies.length} proxies took it`] : [],
    ...stored.length === 0 ? [] : [`${took(stored)} of ${stored.length} NetworkPolicies are stored`],
    ...policies.filter((target) => !stored.includes(target)).map(({ state }) => state === 'programmed' ? 'the pod is out of its Services' : 'the pod is not out of its Services yet'),
  ]
  const count = words.join(', ')
  if (refused.length > 0) return said('False', 'Rejected', `${refused.length} of ${all.length} ${policies.length === 0 ? 'proxies' : 'targets'} refused it.`)
  if (mitigation.status.simulated) return said('False', 'Simulated', `${SIMULATED.message} ${count} in shadow.`)
  if (all.length === 0) return said('False', 'NoTargets', 'No proxy could carry it, and no NetworkPolicy does.')
  return took(all) === all.length ? said('True', 'Acknowledged', `${count}.`) : said('False', 'Pending', `${count}.`)
}

function degraded (mitigation: Mitigation, proxies: readonly ProxyTarget[], stored: readonly TargetStatus[], policies: PolicyStanding | null): Statement {
  const said = (reason: Statement['reason'], told: readonly string[]): Statement => ({ type: 'Degraded', status: 'True', reason, message: few(told) })
  const refused = proxies.filter(({ status }) => status.state === 'rejected')
  const rejected = [...refused.map(({ status }) => status), ...stored.filter(({ state }) => state === 'rejected')]
  if (rejected.length > 0) return said(policies?.trouble?.reason === 'Contested' ? 'Contested' : 'Rejected', rejected.map(({ target, message }) => `${nameOf(mitigation, target)}: ${message}`))
  if (policies?.trouble != null) return said(policies.trouble.reason, [policies.trouble.message])
  const overdue = proxies.filter((proxy) => proxy.overdue !== null).toSorted((one, other) => rank(one) - rank(other))
  if (overdue[0]?.overdue != null) return said(overdue[0].overdue, overdue.map((proxy) => `${nameOf(mitigation, proxy.status.target)} ${proxy.overdue === 'ProxySilent' ? 'has not answered' : 'is not connected, waited for'} since ${proxy.status.since ?? ''}`))
  const short = proxies.filter(({ shortfall }) => shortfall !== '')
  if (short.length > 0) return said('CannotEnforce', short.map(({ status, shortfall }) => `${nameOf(mitigation, status.target)}: ${shortfall}`))
  return pierced(mitigation)
}

const rank = ({ overdue }: ProxyTarget): number => overdue === 'ProxySilent' ? 0 : 1

const MOST_NAMED = 3
const few = (told: readonly string[]): string => `${told.slice(0, MOST_NAMED).join('; ')}${told.length > MOST_NAMED ? `; and ${told.length - MOST_NAMED} more` : ''}`

/** `proxy/shop/db-0` where the pod's name is known, else by UID. */
function nameOf ({ spec: { subject, victims } }: Mitigation, target: string): string {
  const pod = [...victims, ...(subject === 'anySource' ? [] : [subject])].find(({ uid }) => target === `proxy/${uid}`)
  return pod?.name === undefined ? target : `proxy/${wordsOf(pod)}`
}

const wordsOf = ({ uid, namespace, name }: PodRef): string => name === undefined ? uid : `${namespace === undefined ? '' : `${namespace}/`}${name}`

/** What was seen of the subject's traffic to the victims over one stretch of time. */
export interface Attempts {
  /** Whose they were and where to, in words, where that is one pair. */
  readonly flow?: string
  readonly attempts: number
  /** Of these, how many got through; for a limit, how many beyond it. */
  readonly through: number
  /** Unix ms at which the stretch began. */
  readonly sinceMs: number
}

/**
 * Judges by what was seen after every target had taken it; what was seen before proves nothing.
 *
 *     phase  | simulated | programmed before the stretch | attempts | through | Enforcing               | Degraded
 *     ended  | -         | -                             | -        | -       | as it is                | as it is
 *     active | yes       | -                             | -        | -       | as it is (Simulated)    | as it is
 *     active | no        | no                            | -        | -       | Unknown, NoAttemptSeen  | as it is
 *     active | no        | yes                           | 0        | -       | as it is                | as it is
 *     active | no        | yes                           | some     | 0       | True, AttemptsStopped   | as planned where it was AttemptsContinue
 *     active | no        | yes, and settled              | some     | some    | False, AttemptsContinue | True, AttemptsContinue with the flow, where it was False
 *     active | no        | yes, and not settled          | some     | some    | as it is                | as it is
 *
 * Settled: it began `settleMsOf` after that, or proxies alone carry it. A policy object that is stored is not yet applied by every node's
 * agent, and an answer of a proxy says that it holds.
 */
export function observeAttempts (mitigation: Mitigation, seen: Attempts, nowMs: number): Mitigation {
  if (mitigation.status.phase !== 'active' || mitigation.status.simulated) return mitigation
  const programmed = conditionOf(mitigation, 'Programmed')
  if (programmed?.status !== 'True') return withStatus(mitigation, [UNSEEN], {}, nowMs)
  if (seen.sinceMs < Date.parse(programmed.lastTransitionTime) || seen.attempts === 0) return mitigation
  const stopped = seen.through === 0
  const settledMs = Date.parse(programmed.lastTransitionTime) + (mitigation.spec.policies === undefined ? 0 : settleMsOf(mitigation))
  if (!stopped && seen.sinceMs < settledMs) return mitigation
  const enforcing: Statement = stopped
    ? { type: 'Enforcing', status: 'True', reason: 'AttemptsStopped', message: `${seen.attempts} attempts were seen and none got through.` }
    : { type: 'Enforcing', status: 'False', reason: 'AttemptsContinue', message: `${seen.through} of ${seen.attempts} attempts got through${seen.flow === undefined ? '' : `: ${seen.flow}`}.` }
  const judged = withStatus(mitigation, [enforcing], {}, nowMs)
  const degraded = conditionOf(judged, 'Degraded')
  // A target that refuses says more than what gets through because of it.
  const speaks = degraded?.status !== 'True' || degraded.reason === 'AttemptsContinue'
  return speaks ? withStatus(judged, [pierced(judged)], {}, nowMs) : judged
}

/** `Degraded` where every target has taken it: attempts that still get through, else as planned. */
function pierced (mitigation: Mitigation): Statement {
  const enforcing = conditionOf(mitigation, 'Enforcing')
  return enforcing?.reason === 'AttemptsContinue' ? { type: 'Degraded', status: 'True', reason: 'AttemptsContinue', message: enforcing.message } : asPlanned(mitigation)
}

export type Ending =
  | { readonly outcome: 'ended', readonly mitigation: Mitigation }
  | { readonly outcome: 'running', readonly mitigation: Mitigation, readonly remainingMs: number }
  | { readonly outcome: 'already-ended', readonly mitigation: Mitigation }

/** Ends it once `expiresAt` is reached. */
export function expire (mitigation: Mitigation, nowMs: number): Ending {
  if (mitigation.status.phase !== 'active') return { outcome: 'already-ended', mitigation }
  const remainingMs = Date.parse(mitigation.spec.expiresAt) - nowMs
  if (remainingMs > 0) return { outcome: 'running', mitigation, remainingMs }
  return { outcome: 'ended', mitigation: ended(mitigation, 'expired', 'Expired', `Its time to live ended at ${mitigation.spec.expiresAt}.`, nowMs) }
}

/** Ends it with the pod that it restricts: it is in force. */
export function endWithSubject (mitigation: Mitigation, pod: PodRef, nowMs: number): Mitigation {
  return ended(mitigation, 'expired', 'SubjectGone', `Pod ${wordsOf(pod)} is gone: there is nobody left to restrict.`, nowMs)
}

/** Who undoes a mitigation, and why. */
export interface Undo {
  readonly actor: string
  readonly reason: UndoReason
  /** In words. */
  readonly why: string
}

/** Why somebody undid it: a person did, its rollout does not ask for it any more, an exception covers its case, or the source's own observer denies it. */
const UNDO_REASONS = ['Reverted', 'RolledBack', 'Excepted', 'WitnessesDisagree'] as const
export type UndoReason = (typeof UNDO_REASONS)[number]

type EndReason = 'Expired' | 'SubjectGone' | UndoReason

/** Why it ended; null while it is in force. */
export function endOf (mitigation: Mitigation): EndReason | null {
  switch (mitigation.status.phase) {
    case 'active': return null
    case 'expired': return conditionOf(mitigation, 'Programmed')?.reason === 'SubjectGone' ? 'SubjectGone' : 'Expired'
    case 'reverted': return UNDO_REASONS.find((reason) => reason === conditionOf(mitigation, 'Programmed')?.reason) ?? 'Reverted'
  }
}

/** An undo. `already-ended` where there is nothing left to undo. */
export function revert (mitigation: Mitigation, { actor, reason, why }: Undo, nowMs: number): Exclude<Ending, { outcome: 'running' }> {
  if (mitigation.status.phase !== 'active') return { outcome: 'already-ended', mitigation }
  const because = why.trim() === '' ? '' : `: ${why}`
  return { outcome: 'ended', mitigation: ended(mitigation, 'reverted', reason, `Undone by ${actor}${because}`, nowMs) }
}

/** What ended holds nothing any more: no condition stays True but `Accepted`. */
function ended (mitigation: Mitigation, phase: 'expired' | 'reverted', reason: EndReason, message: string, nowMs: number): Mitigation {
  const statements = (['Programmed', 'Enforcing', 'Degraded'] as const).map((type): Statement => ({ type, status: 'False', reason, message }))
  return withStatus(mitigation, statements, { phase, endedAt: new Date(nowMs).toISOString() }, nowMs)
}
