import { AutoshieldError } from '../core/errors.ts'
import type { Decision, Verdict } from '../core/policy/decision.ts'
import type { ReasonCode } from '../core/reason.ts'
import { afterApprovalEvent, type Approval, type ApprovalEvent } from '../core/safety/approval.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { Clock } from '../ports/clock.ts'
import type { Approvals, LoopEvent } from '../ports/loop.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Journal, NewAuditEntry } from './journal.ts'
import type { ControllerMetrics } from './metrics.ts'

/** A decision that waits, or waited, for a person. */
export type Waiting = Decision & { readonly approval: Approval }

export interface ApprovalDeskParts {
  readonly store: Pick<ObjectStore, 'detections' | 'decisions'>
  readonly journal: Journal
  readonly clock: Clock
  readonly newId: () => string
  readonly metrics: Pick<ControllerMetrics, 'approvals' | 'dropped'>
  readonly publish: (event: LoopEvent) => void
  /** Asks safety again and has done what it says; null where the rule is not in force any more. */
  readonly again: (waiting: Waiting, detection: Detection, agreed: { readonly by: string, readonly why: string }) => Promise<Decision | null>
  /** Keeps and tells a decision from which nothing follows. */
  readonly close: (decision: Decision, detection: Detection) => Promise<void>
}

/** What waits at one time; beyond it the oldest is withdrawn and counted. */
const MAX_WAITING = 1_000

const isWaiting = (decision: Decision): decision is Waiting => decision.approval?.state === 'waiting'

/** For what was asked when there was another rule. */
export const nothingLeft = ({ rule }: Waiting): AutoshieldError => new AutoshieldError('CONFLICT', `The rule "${rule}" has changed or is gone since, so nothing was done: what goes on is decided anew by the rules of now.`)

/** Decisions that wait for a person: answered by one, by their deadline, or by the end of the attack. The store holds them over a restart. */
export class ApprovalDesk implements Approvals {
  readonly #parts: ApprovalDeskParts
  readonly #waiting = new Map<string, Waiting>()

  constructor (parts: ApprovalDeskParts) {
    this.#parts = parts
  }

  /** Oldest first. */
  get waiting (): readonly Decision[] {
    return [...this.#waiting.values()]
  }

  /** Takes up what the store says waits, oldest first. */
  restore (decisions: readonly Decision[]): void {
    for (const decision of decisions) if (isWaiting(decision)) this.#waiting.set(decision.id, decision)
    this.#count()
  }

  /** Takes in what was newly decided: it may wait, and it takes the place of what waits for the same action on the same detection. */
  async take (news: readonly Decision[]): Promise<void> {
    for (const decision of news) {
      const before = this.#waiting.values().filter((one) => one.detection === decision.detection && one.ruleHash === decision.ruleHash && one.actionIndex === decision.actionIndex && one.escalates === decision.escalates).toArray()
      if (isWaiting(decision)) this.#waiting.set(decision.id, decision)
      for (const one of before) await this.#withdraw(one, `It was decided anew: ${decision.verdict}.`)
    }
    const [oldest] = this.#waiting.values()
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) {
      this.#parts.metrics.dropped('approval', 1)
      await this.#withdraw(oldest, 'More waited than can be kept.')
    }
    this.#count()
  }

  /** Throws NOT_FOUND, or CONFLICT where it does not wait or its attack has ended. */
  lookUp (id: string): { readonly waiting: Waiting, readonly detection: Detection } {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) throw this.#notWaiting(id)
    return { waiting, detection: this.#detectionOf(waiting) }
  }

  async answer (id: string, answer: 'approve' | 'reject', by: string, why: string): Promise<Decision> {
    const { waiting: decision, detection } = this.lookUp(id)
    this.#waiting.delete(id) // nobody else answers meanwhile
    try {
      await this.#settle(decision, { type: answer, by, why }, { actor: by, reason: answer === 'approve' ? 'RuleMatched' : 'ApprovalRefused' })
    } catch (error) {
      this.#waiting.set(id, decision)
      throw error
    } finally {
      this.#count()
    }
    if (answer === 'reject') return this.#closeAs(decision, detection, 'suppress', 'ApprovalRefused', `${by} said no: ${why}`)
    const outcome = await this.#parts.again(decision, detection, { by, why })
    if (outcome === null) throw nothingLeft(decision)
    return outcome
  }

  /** Ends what nobody answered in time, and what has no attack any more. A store that refuses is tried again at the next beat. */
  async beat (): Promise<void> {
    const nowMs = this.#parts.clock.now()
    for (const decision of this.waiting.filter(isWaiting)) {
      const detection = this.#parts.store.detections.get(decision.detection)
      if (detection === null || detection.phase === 'closed') await this.#withdraw(decision, 'The attack has ended.')
      else if (Date.parse(decision.approval.deadline) <= nowMs) await this.#lapse(decision, detection)
    }
    this.#count()
  }

  async #lapse (decision: Waiting, detection: Detection): Promise<void> {
    if (!await this.#tried(decision, { type: 'beat' }, 'ApprovalLapsed')) return
    const { then, deadline } = decision.approval
    if (then !== 'mitigate') {
      await this.#closeAs(decision, detection, then, 'ApprovalLapsed', `nobody answered until ${deadline}`)
      return
    }
    await this.#parts.again(decision, detection, { by: 'the rule', why: `nobody answered until ${deadline}` })
  }

  async #withdraw (decision: Waiting, why: string): Promise<void> {
    await this.#tried(decision, { type: 'withdraw', why }, 'ApprovalLapsed')
  }

  /** False where the store refused: then it waits on. */
  async #tried (decision: Waiting, event: ApprovalEvent, reason: ReasonCode): Promise<boolean> {
    this.#waiting.delete(decision.id)
    try {
      await this.#settle(decision, event, { actor: 'autoshield', reason })
      return true
    } catch {
      this.#waiting.set(decision.id, decision) // the journal tells of a store that refuses
      return false
    }
  }

  /** Kept and in the trail when it resolves. */
  async #settle (decision: Waiting, event: ApprovalEvent, entry: Pick<NewAuditEntry, 'actor' | 'reason'>): Promise<void> {
    const { store, journal, clock, publish } = this.#parts
    const approval = afterApprovalEvent(decision.approval, event, clock.now())
    if (approval === null) throw this.#notWaiting(decision.id)
    const settled = { ...decision, approval }
    await store.decisions.put(decision.id, settled)
    await journal.record({ ...entry, action: `approval.${approval.state}`, object: `decision/${decision.id}`, detail: { detection: decision.detection, rule: decision.rule, action: decision.action, why: approval.why ?? '' } })
      .catch(async (error: unknown) => {
        await store.decisions.put(decision.id, decision) // what is not in the trail did not happen
        throw error
      })
    publish({ type: 'decision', decision: settled })
  }

  async #closeAs (waiting: Waiting, detection: Detection, verdict: Verdict, reason: ReasonCode, why: string): Promise<Decision> {
    const { newId, clock, close } = this.#parts
    const { approval: _, ...rest } = waiting
    const decision: Decision = { ...rest, id: newId(), at: new Date(clock.now()).toISOString(), verdict, reason, message: `${why.charAt(0).toUpperCase()}${why.slice(1).replace(/\.$/, '')}.` }
    await close(decision, detection)
    return decision
  }

  #detectionOf ({ id, detection }: Waiting): Detection {
    const found = this.#parts.store.detections.get(detection)
    if (found === null || found.phase === 'closed') throw new AutoshieldError('CONFLICT', `The attack of decision ${id} has ended: there is nothing left to decide.`)
    return found
  }

  #notWaiting (id: string): AutoshieldError {
    const decision = this.#parts.store.decisions.get(id)
    if (decision === null) return new AutoshieldError('NOT_FOUND', `There is no decision "${id}": list what waits with \`autoshield decisions list\`.`)
    const { approval } = decision
    return new AutoshieldError('CONFLICT', approval === undefined ? `Decision ${id} waits for nobody: it is ${decision.verdict}.` : `Decision ${id} is ${approval.state} already${approval.by === undefined ? '' : ` by ${approval.by}`}.`)
  }

  #count (): void {
    this.#parts.metrics.approvals(this.#waiting.size)
  }
}
