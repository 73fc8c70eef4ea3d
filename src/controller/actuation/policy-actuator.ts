import type { ErrorCode } from '../../core/errors.ts'
import { isReleasing } from '../../core/isolation/release-answer.ts'
import { isRecord } from '../../core/kubernetes/read-object.ts'
import { LABELLED_SETTLE_MS, SETTLE_MS } from '../../core/mitigation/escalation.ts'
import type { Mitigation, TargetStatus } from '../../core/mitigation/mitigation.ts'
import type { PolicyStanding } from '../../core/mitigation/policy-standing.ts'
import { labelValue } from '../../core/plan/names.ts'
import { identityLabel, POD_LABEL } from '../../core/plan/pod-mark.ts'
import { POLICY_FORMS, policyTarget, type PolicyObject } from '../../core/plan/policy-object.ts'
import type { Pod } from '../../core/pod.ts'
import { policyKey } from '../../core/plan/reach/policy.ts'
import type { Clock } from '../../ports/clock.ts'
import type { PodDirectory } from '../../ports/directories.ts'
import type { OwnPolicies, OwnPolicy } from '../../ports/network-policies.ts'
import type { NewAuditEntry } from '../journal.ts'
import type { Log } from '../log.ts'
import { Wake } from '../wake.ts'
import { Attempts } from './attempts.ts'
import { Contest, MOST_PUT_BACKS } from './contest.ts'
import { type Desired, desiredOf, isAsDesired, keyOf, restrictsAsDesired } from './desired.ts'
import { RestingMarks } from './resting-marks.ts'

/** What carries mitigations by NetworkPolicies: it is handed what should hold and says what does. */
export interface PolicyFleet {
  /** The whole desired set; level-based, so the same set twice changes nothing. */
  apply: (mitigations: readonly Mitigation[]) => void
  /** null for a mitigation that no policies carry, or before anybody looked. */
  standingOf: (mitigation: string) => PolicyStanding | null
  /** By mitigation: why policies of it that nobody asks for any more are still there. */
  leftovers: () => ReadonlyMap<string, string>
}

export interface PolicyActuatorParts {
  readonly policies: OwnPolicies
  readonly pods: PodDirectory
  /** AutoShield's own namespace, where isolated pods are taken out of their Services; else null. */
  readonly installation: string | null
  /** Namespaces that even a denial of everybody leaves open. */
  readonly spared: () => readonly string[]
  /** What keeps the policies of a mitigation from cutting as planned; null for nothing. */
  readonly troubleOf: (mitigation: string) => PolicyStanding['trouble']
  /** How long a label stays that no mitigation asks for any more. */
  readonly labelRestMs: number
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  /** Never rejects. */
  readonly tell: (entries: readonly NewAuditEntry[]) => Promise<void>
}

const NOTHING: Desired = { policies: new Map(), marks: new Map(), byMitigation: new Map() }
/** A label that was written shows in the watch within moments; after this long it is written again. */
const SHOWN_MS = 5_000
const markKey = (uid: string): string => `pod/${uid}`

/**
 * Keeps the NetworkPolicies of mitigations, and the labels by which they select, as the mitigations in force ask: makes and amends them,
 * labels first; takes away what nobody asks for, policies first and labels when they have rested; puts back what somebody else changed. It looks at what is there, never
 * at what it did, so it comes to the same after any restart. Nothing without our mark is ever written.
 */
export class PolicyActuator implements PolicyFleet {
  readonly #parts: PolicyActuatorParts
  readonly #news = new Wake()
  readonly #attempts: Attempts
  readonly #contest = new Contest()
  readonly #resting: RestingMarks
  readonly #listeners = new Set<() => void>()
  /** When the label of a pod was written, until it shows. */
  readonly #marking = new Map<string, number>()
  /** Pods whose label was taken back, or is not ours to take back. */
  readonly #unmarked = new Set<string>()
  #mitigations: readonly Mitigation[] | null = null
  #desired: Desired = NOTHING
  #stored: ReadonlyMap<string, OwnPolicy> = new Map()
  #standings: ReadonlyMap<string, PolicyStanding> = new Map()
  #leftovers: ReadonlyMap<string, string> = new Map()
  /** Policies that nobody asks for, on pods whose labels are not back yet. */
  #held: ReadonlySet<string> = new Set()

  constructor (parts: PolicyActuatorParts) {
    this.#parts = parts
    this.#attempts = new Attempts(parts.random)
    this.#resting = new RestingMarks(parts.labelRestMs)
  }

  apply (mitigations: readonly Mitigation[]): void {
    this.#mitigations = mitigations
    this.#news.ring()
  }

  standingOf (mitigation: string): PolicyStanding | null {
    return this.#standings.get(mitigation) ?? null
  }

  leftovers (): ReadonlyMap<string, string> {
    return this.#leftovers
  }

  /** Told after a look that found something else than the look before. Must not throw. */
  onChange (listener: () => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => { this.#listeners.delete(listener) } }
  }

  /** Looks again soon: time has passed, or something changed. */
  look (): void {
    this.#news.ring()
  }

  /** Works until the signal aborts. Before the first `apply` nothing is touched. */
  async run (signal: AbortSignal): Promise<void> {
    using listening = new DisposableStack()
    listening.use(this.#parts.policies.onChange(() => this.#news.ring()))
    listening.use(this.#parts.pods.onChange?.(() => this.#news.ring()))
    while (await this.#news.next(signal)) if (this.#mitigations !== null) await this.#converge(this.#mitigations)
  }

  async #converge (mitigations: readonly Mitigation[]): Promise<void> {
    const { policies, pods, spared } = this.#parts
    const desired = this.#desired = desiredOf(mitigations, { byUid: (uid) => pods.byUid(uid), spared: spared() })
    const kept = new Set([...desired.policies.keys(), ...[...desired.marks.keys()].map(markKey)])
    this.#contest.keepOnly(kept)
    // A pod without its labels may be in no policy of others: ours goes when they are back.
    const released = this.#released(mitigations)
    const unasked = policies.list().filter((policy) => !desired.policies.has(policyKey(policy)))
    const extra = unasked.filter((policy) => !isOnAny(policy, released))
    this.#held = new Set(unasked.filter((policy) => !extra.includes(policy)).map(policyKey))
    const marked = pods.list().filter((pod) => pod.labels[POD_LABEL] === labelValue(pod.uid) && !desired.marks.has(pod.uid) && !released.includes(pod) && !this.#unmarked.has(pod.uid))
    this.#attempts.keepOnly(new Set([...kept, ...extra.map(policyKey), ...marked.map(({ uid }) => markKey(uid))]))
    this.#stored = storedIn(policies)
    await Promise.all([...desired.marks.values()].map(async (pod) => this.#mark(pod)))
    await Promise.all([...desired.policies].map(async ([key, policy]) => this.#store(key, policy)))
    await Promise.all(extra.map(async (policy) => this.#remove(policy)))
    await this.#unmark(marked)
    this.#stored = storedIn(policies)
    this.#conclude()
  }

  /** Pods whose labels are to be put back and are not yet. */
  #released (mitigations: readonly Mitigation[]): readonly Pod[] {
    const { pods, installation } = this.#parts
    const wanted = new Set(mitigations.filter(isReleasing).map(({ spec: { subject } }) => subject === 'anySource' ? '' : subject.uid))
    return pods.list().filter(({ uid, released }) => released !== undefined && released.installation === installation && !wanted.has(uid))
  }

  async #mark (pod: Pod): Promise<void> {
    const { key: label, value, present } = identityLabel(pod)
    const key = markKey(pod.uid)
    this.#unmarked.delete(pod.uid)
    if (present) {
      this.#marking.delete(pod.uid)
      this.#contest.holds(key, POD_LABEL)
      return
    }
    const nowMs = this.#parts.clock.now()
    if (nowMs - (this.#marking.get(pod.uid) ?? -Infinity) < SHOWN_MS) return
    const outcome = this.#contest.missing(key, POD_LABEL)
    if (outcome === 'put-back') await this.#tellPutBack(`pods/${pod.namespace}/${pod.name}`, key, '', Object.hasOwn(pod.labels, POD_LABEL) ? 'label changed, or given to another pod' : 'label taken away')
    if (outcome === 'hold') return
    if (await this.#attempts.attempt(key, nowMs, async () => this.#parts.policies.mark(pod, { [label]: value }))) this.#marking.set(pod.uid, nowMs)
  }

  async #store (key: string, policy: PolicyObject): Promise<void> {
    const { policies, clock } = this.#parts
    const stored = this.#stored.get(key)
    const form = JSON.stringify(policy)
    if (isAsDesired(stored, policy)) {
      this.#contest.holds(key, form)
      return
    }
    const outcome = this.#contest.missing(key, form)
    if (outcome === 'put-back') await this.#tellPutBack(`${POLICY_FORMS[policy.kind].resource.plural}/${key}`, key, stored?.editor ?? '', stored === undefined ? 'deleted' : 'changed')
    if (outcome !== 'hold') await this.#attempts.attempt(key, clock.now(), async () => policies.store(policy))
  }

  async #remove (policy: OwnPolicy): Promise<void> {
    const { policies, clock, tell, log } = this.#parts
    const key = policyKey(policy)
    const removed = await this.#attempts.attempt(key, clock.now(), async () => policies.remove(policy))
    if (removed) await tell([{ actor: 'autoshield', action: 'networkpolicy.removed', object: `${POLICY_FORMS[policy.kind].resource.plural}/${key}`, reason: 'Unasked', detail: { mitigation: policy.mitigation, spec: policy.spec } }])
    else log.warn({ policy: key, mitigation: policy.mitigation, error: this.#attempts.failureOf(key)?.message }, 'a policy that nothing asks for could not be removed')
  }

  async #unmark (unasked: readonly Pod[]): Promise<void> {
    const nowMs = this.#parts.clock.now()
    const pod = this.#resting.due(unasked, nowMs)
    if (pod === null) return
    // Somebody else may have written it, too, and then it stays: once is enough.
    if (await this.#attempts.attempt(markKey(pod.uid), nowMs, async () => this.#parts.policies.mark(pod, {}))) this.#unmarked.add(pod.uid)
    else this.#resting.again(pod, nowMs)
  }

  async #tellPutBack (object: string, key: string, editor: string, what: string): Promise<void> {
    const times = this.#contest.timesOf(key)
    this.#parts.log.warn({ object, editor, times }, `what carries a mitigation was ${what}, and is put back`)
    await this.#parts.tell([{ actor: editor === '' ? '(unknown)' : `field-manager/${editor}`, action: 'networkpolicy.put-back', object, reason: 'PutBack', detail: { what, times, most: MOST_PUT_BACKS } }])
  }

  /** Says how everything stands after a look, to whoever asks, and that something changed. */
  #conclude (): void {
    const { policies, pods } = this.#parts
    const before = JSON.stringify([[...this.#standings], [...this.#leftovers]])
    for (const uid of this.#unmarked) if (pods.byUid(uid) === null) this.#unmarked.delete(uid)
    this.#standings = new Map([...this.#desired.byMitigation].map(([name, needs]) => [name, this.#standing(name, needs)]))
    this.#leftovers = new Map(policies.list().filter((policy) => !this.#desired.policies.has(policyKey(policy)))
      .map((policy) => [policy.mitigation, `${policy.kind} ${policyKey(policy)} is still there: ${this.#attempts.failureOf(policyKey(policy))?.message ?? (this.#held.has(policyKey(policy)) ? 'the labels that were taken from its pod are not back yet' : 'it is being removed')}`]))
    if (JSON.stringify([[...this.#standings], [...this.#leftovers]]) !== before) for (const listener of this.#listeners) listener()
  }

  #standing (name: string, { policies, marks }: { readonly policies: readonly PolicyObject[], readonly marks: readonly string[] }): PolicyStanding {
    const contested = [...policies.map(keyOf), ...marks.map(markKey)].filter((key) => this.#contest.isHeld(key))
    const unmarked = marks.flatMap((uid) => {
      const pod = this.#parts.pods.byUid(uid)
      return pod === null || identityLabel(pod).present ? [] : [pod]
    })
    return {
      targets: policies.map((policy) => this.#targetOf(policy, unmarked)),
      // A pod without a mark of its own bore no label of ours before it was given one.
      settleMs: marks.some((uid) => this.#parts.pods.byUid(uid)?.mark === undefined) ? LABELLED_SETTLE_MS : SETTLE_MS,
      trouble: contested.length === 0 ? this.#parts.troubleOf(name) : { reason: 'Contested', message: `${contested.join(', ')}: ${LEFT}` },
    }
  }

  /**
   *     held | refused | as desired | its pods are labelled | target
   *     yes  | -       | -          | -                     | rejected: somebody goes on taking it away
   *     no   | yes     | -          | -                     | rejected in the API server's words, or pending where it was merely away
   *     no   | no      | yes        | yes                   | programmed
   *     no   | no      | yes        | no                    | pending: it does not select them yet
   *     no   | no      | no         | -                     | pending
   */
  #targetOf (policy: PolicyObject, unmarked: readonly Pod[]): TargetStatus {
    const key = keyOf(policy)
    const target = policyTarget(policy.kind, key)
    if (this.#contest.isHeld(key)) return { target, state: 'rejected', version: '', message: LEFT }
    const failure = this.#attempts.failureOf(key)
    if (failure !== null) return { target, state: stateOf(failure.code), version: '', message: failure.message }
    const stored = this.#stored.get(key)
    if (stored === undefined || !restrictsAsDesired(stored, policy)) return { target, state: 'pending', version: '', message: '' }
    const version = String(stored.generation)
    const [waits] = unmarked
    if (waits === undefined) return { target, state: 'programmed', version, message: '' }
    const lacks = `pod ${waits.namespace}/${waits.name} lacks the label ${POD_LABEL}`
    if (this.#contest.isHeld(markKey(waits.uid))) return { target, state: 'rejected', version, message: `${lacks}: ${LEFT}` }
    const why = this.#attempts.failureOf(markKey(waits.uid))
    return { target, state: why === null ? 'pending' : stateOf(why.code), version, message: why === null ? lacks : `${lacks}: ${why.message}` }
  }
}

/** Whether a policy of ours selects one of them. */
const isOnAny = ({ namespace, spec }: OwnPolicy, pods: readonly Pod[]): boolean => {
  const selector = JSON.stringify(isRecord(spec) ? spec['podSelector'] : null)
  return pods.some(({ namespace: of, labels: { [POD_LABEL]: value } }) => of === namespace && value !== undefined && selector.includes(JSON.stringify(value)))
}

const storedIn = (policies: OwnPolicies): ReadonlyMap<string, OwnPolicy> => new Map(policies.list().map((policy) => [policyKey(policy), policy]))

const LEFT = `it was put back ${MOST_PUT_BACKS} times and taken away again, so it is left as it is: find out who does that (autoshield audit), and undo the mitigation instead.`

const stateOf = (code: ErrorCode): TargetStatus['state'] => code === 'UNAVAILABLE' || code === 'NOT_FOUND' ? 'pending' : 'rejected'
