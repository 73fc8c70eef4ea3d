import { endOf } from '../core/mitigation/lifecycle.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import { answeredUntilMs } from '../core/mitigation/time-to-live.ts'
import type { Decision } from '../core/policy/decision.ts'
import type { Detection } from '../core/verdict/detection.ts'

type Answer = Pick<Decision, 'verdict' | 'reason' | 'mitigation'>

interface Answers {
  /** What the last hearing rested on; the same again brings nothing new. */
  basis: string
  heardAtMs: number
  readonly byAction: Map<string, Answer>
}

/** An open detection is heard again this long after the last time, for cooldowns end and circuits close. */
const HEAR_AGAIN_MS = 10_000
const MAX_DETECTIONS = 20_000

/**
 * What was decided for each detection, so that a detection that goes on is not decided anew at every window: an action
 * that was taken is taken once, and one that was held back is asked for again, but told only when the answer changes.
 */
export class Settled {
  readonly #answers = new Map<string, Answers>()
  readonly #find: (mitigation: string) => Mitigation | null

  constructor (find: (mitigation: string) => Mitigation | null) {
    this.#find = find
  }

  /** Whether a detection is to be heard (again). `basis` names all that the rulings rest on. */
  isDue (detection: Detection, basis: string, nowMs: number): boolean {
    const known = this.#answers.get(detection.id)
    return known === undefined || known.basis !== basis || nowMs - known.heardAtMs >= HEAR_AGAIN_MS
  }

  heard (detection: Detection, basis: string, nowMs: number): void {
    const known = this.#of(detection.id)
    known.basis = basis
    known.heardAtMs = nowMs
  }

  /**
   * `sinceMs`: when the windows began on which it would be decided. What was seen while a mitigation held was answered by it.
   *
   *     last answer                              | settled
   *     none                                     | no
   *     an alert as the rule asked (AlertOnly)   | yes
   *     mitigate, simulate; mitigation in force  | yes
   *     mitigate, simulate; a person undid it    | yes: for this detection a person has decided
   *     mitigate, simulate; it expired           | while `sinceMs` is before its end: a tensor holds the old attack for 20 steps
   *     the same, but the attack outlasted it    | no
   *     mitigate, simulate; its pod was gone     | no: whoever goes on is another
   *     mitigate, simulate; its rollout ended it | no: what the mesh policy asks for now is decided anew
   *     mitigate, simulate; an exception ended it | no: when that ends, it is decided anew
   *     mitigate, simulate; without a mitigation | yes
   *     held back since a person said no, or     | yes: for this detection people have had their say
   *     nobody answered until the deadline       |
   *     held back in any other way               | no
   */
  isSettled (ruleHash: string, actionIndex: number, detection: Detection, sinceMs: number): boolean {
    const answer = this.#answers.get(detection.id)?.byAction.get(keyOf(ruleHash, actionIndex))
    if (answer === undefined) return false
    if (answer.reason === 'AlertOnly' || answer.reason === 'ApprovalRefused' || answer.reason === 'ApprovalLapsed') return true
    if (answer.verdict !== 'mitigate' && answer.verdict !== 'simulate') return false
    const mitigation = answer.mitigation === null ? null : this.#find(answer.mitigation)
    const end = mitigation === null ? null : endOf(mitigation)
    if (mitigation !== null && end === 'Expired') return sinceMs < answeredUntilMs(mitigation)
    return end === null || end === 'Reverted'
  }

  /** Whether people had their say on making a mitigation larger: nobody is asked that twice for one detection. */
  isGrowthRefused (decision: Decision): boolean {
    const reason = this.#answers.get(decision.detection)?.byAction.get(placeOf(decision))?.reason
    return reason === 'ApprovalRefused' || reason === 'ApprovalLapsed'
  }

  /** Remembers a decision; false where the last answer was the same, so that it is no news. */
  note (decision: Decision): boolean {
    const { byAction } = this.#of(decision.detection)
    const key = placeOf(decision)
    const before = byAction.get(key)
    byAction.set(key, decision)
    return before?.verdict !== decision.verdict || before.reason !== decision.reason || decision.mitigation !== null
  }

  /** Takes up what the store says was decided, oldest first. */
  restore (decisions: readonly Decision[]): void {
    for (const decision of decisions) this.#of(decision.detection).byAction.set(placeOf(decision), decision)
  }

  #of (detection: string): Answers {
    const known = this.#answers.get(detection) ?? { basis: '', heardAtMs: 0, byAction: new Map<string, Answer>() }
    this.#answers.set(detection, known)
    const oldest = this.#answers.keys().next()
    if (this.#answers.size > MAX_DETECTIONS && oldest.done !== true) this.#answers.delete(oldest.value)
    return known
  }
}

/** The place of an action in its rule; empty where none fired. */
const placeOf = ({ ruleHash, actionIndex, escalates }: Decision): string =>
  actionIndex === undefined ? '' : `${keyOf(ruleHash, actionIndex)}${escalates === undefined ? '' : ` ${escalates}`}`

const keyOf = (ruleHash: string, actionIndex: number): string => `${ruleHash}/${actionIndex}`
