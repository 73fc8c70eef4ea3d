import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { Decision } from '../core/policy/decision.ts'
import type { Surroundings } from '../core/plan/safety-request.ts'
import type { Outcome } from '../core/safety/breaker.ts'
import { currentLedger, recordOutcome, withAction } from '../core/safety/ledger.ts'
import type { SeenFlow } from '../core/safety/traffic-share.ts'
import { EMPTY_SAFETY_STATE, parseSafetyState, type Halt, type SafetyState } from '../core/safety/state.ts'
import { standingOf, type SafetyStanding } from '../core/safety/standing.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { AuditTrail } from '../ports/audit.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeDirectory, PodDirectory, Protections } from '../ports/directories.ts'
import type { FlowHistory } from '../ports/flows.ts'
import type { LoopEvent } from '../ports/loop.ts'
import type { Checkpoints, ObjectStore } from '../ports/object-store.ts'
import { ApprovalDesk, nothingLeft, type Waiting } from './approval-desk.ts'
import { ANNOTATIONS } from './mitigation-case.ts'
import { benchFor, type BenchParts } from './bench-for.ts'
import { decide, decideAgain } from './decide.ts'
import type { Bench, Hearing, Ruling } from './ruling.ts'
import type { Foreseen } from './foresee.ts'
import { GrowthDesk } from './growth-desk.ts'
import type { ErrandDesk } from './errands/errand-desk.ts'
import type { ExceptionsInForce } from './exceptions/exceptions-in-force.ts'
import { auditOf, untoldOf } from './decision-entry.ts'
import type { Journal } from './journal.ts'
import type { Log } from './log.ts'
import type { ControllerMetrics } from './metrics.ts'
import type { MitigationDesk } from './mitigation-desk.ts'
import type { PolicyBook } from './policy-book.ts'
import { Settled } from './settled.ts'
import { surroundings } from './surroundings.ts'

export interface DecisionDeskParts extends BenchParts {
  readonly book: PolicyBook
  readonly mitigations: MitigationDesk
  readonly exceptions: ExceptionsInForce
  readonly store: ObjectStore
  readonly checkpoints: Checkpoints
  /** What was told of before. */
  readonly audit: Pick<AuditTrail, 'search'>
  readonly journal: Journal
  readonly errands: ErrandDesk
  readonly pods: PodDirectory
  readonly protections: Protections
  /** null: no cluster is connected. */
  readonly nodes: NodeDirectory | null
  readonly clock: Clock
  readonly newId: () => string
  readonly metrics: ControllerMetrics
  readonly log: Log
  readonly publish: (event: LoopEvent) => void
  /** What was kept of conversations, and those of the last seconds. */
  readonly kept: FlowHistory
  readonly flows: () => readonly SeenFlow[]
}

const CHECKPOINT = 'safety'
const MAX_RESTORED = 10_000
/** Decisions that may be under way at one moment. */
const MAX_UNTOLD = 100

/** Asks policy and safety about detections, keeps what they say, and only then lets it be done. */
export class DecisionDesk {
  readonly #parts: DecisionDeskParts
  readonly approvals: ApprovalDesk
  readonly #settled: Settled
  readonly #growth: GrowthDesk
  readonly #look: () => Surroundings
  /** Decisions that were made and are on their way to the disk and into force. */
  readonly #underWay = new Set<Promise<void>>()
  #safety: SafetyState = EMPTY_SAFETY_STATE
  #modelClasses: readonly string[] = []
  /** What a standing order outside says, for as long as it stands. */
  order: Halt | null = null

  constructor (parts: DecisionDeskParts) {
    this.#parts = parts
    this.#settled = new Settled((name) => parts.mitigations.find(name))
    this.#look = surroundings(parts)
    const { store, journal, clock, newId, metrics, publish } = parts
    this.#growth = new GrowthDesk({
      store,
      journal,
      clock,
      mitigations: parts.mitigations,
      settled: this.#settled,
      bench: (detection, nowMs) => ({ ...this.#bench(detection, nowMs), surroundings: this.#look() }),
      safety: { now: () => this.#halted(), take: (after) => this.#take(after), save: async () => this.#saveSafety() },
      told: async (decision) => {
        this.#tell(decision)
        await this.approvals.take([decision])
      },
      carryOut: async (kept) => this.#carryOut(kept),
    })
    this.approvals = new ApprovalDesk({
      store,
      journal,
      clock,
      newId,
      metrics,
      publish,
      again: async (waiting, detection, agreed) => this.#again(waiting, detection, agreed),
      close: async (decision, detection) => {
        this.#settled.note(decision)
        await this.#carryOut(this.#keep([{ decision, mitigation: null, errand: null }], detection))
      },
    })
  }

  /** Resolves when what was decided and could not be told of any more is in the trail. */
  async restore (going: readonly Detection[]): Promise<void> {
    const { checkpoints, store, audit, journal, log } = this.#parts
    const saved = checkpoints.load(CHECKPOINT)
    const safety = parseSafetyState(saved)
    if (saved !== undefined && safety === null) log.warn({}, 'the kept state of safety cannot be understood; cooldowns and the circuit begin anew')
    this.#safety = safety ?? EMPTY_SAFETY_STATE
    const ids = new Set(going.map(({ id }) => id))
    const decisions = store.decisions.list({ limit: MAX_RESTORED }).toReversed()
    this.#settled.restore(decisions.filter(({ detection }) => ids.has(detection)))
    this.approvals.restore(decisions)
    // What is kept is told of after that, so a death in between leaves the newest untold.
    const untold = untoldOf(decisions.slice(-MAX_UNTOLD), store, audit)
    if (untold.length > 0) await journal.keep({ writes: () => [], audit: untold })
  }

  /** Takes mitigations of which no decision is known off the budgets: whoever made them could not keep that it had. */
  charge (takenOver: readonly Mitigation[]): void {
    const { safety, clock } = this.#parts
    for (const { metadata: { annotations, creationTimestamp }, spec: { owner }, status } of takenOver) {
      const lane = status.simulated ? 'simulated' : 'enforced'
      const of = { rule: owner.rule, source: annotations[ANNOTATIONS.source] ?? '*', target: annotations[ANNOTATIONS.target] ?? '*' }
      this.#safety = { ...this.#safety, [lane]: withAction(currentLedger(this.#safety[lane], safety, clock.now()), of, safety, Date.parse(creationTimestamp)) }
    }
  }

  /** Why nothing new is done; null while it is. */
  get halt (): Halt | null {
    return this.ownHalt ?? this.order
  }

  /** What a person said here, which is kept. */
  get ownHalt (): Halt | null {
    return this.#safety.halt ?? null
  }

  /**
   * No decision from now on acts, whether or not that can be kept. Resolves when it is kept, also over a restart, and in the trail,
   * and when what was decided before is in force.
   */
  async stop (halt: Halt): Promise<void> {
    this.#safety = { ...this.#safety, halt }
    await Promise.all(this.#underWay)
    await this.#saveSafety()
    await this.#parts.journal.record({ actor: halt.by, action: 'panic.begun', object: 'safety', reason: 'Halted', detail: { reason: halt.reason } })
  }

  /** Decisions act again once it is kept and in the trail. */
  async goOn (halt: Halt, actor: string, reason: string): Promise<void> {
    await this.#parts.journal.record({ actor, action: 'panic.ended', object: 'safety', reason: 'Released', detail: { reason, since: halt.at, begunBy: halt.by } })
    await this.#saveSafety(withoutHalt(this.#safety))
    this.#safety = withoutHalt(this.#safety)
  }

  /** What is used up of what may be done. */
  standing (): SafetyStanding {
    const { safety, clock } = this.#parts
    return standingOf(this.#safety, safety, clock.now())
  }

  setModelClasses (classes: readonly string[]): void {
    this.#modelClasses = classes
  }

  /** Hears a detection if there is anything new to decide. Resolves when what was decided is kept and done. `arrivedMs` is of `performance.now()`. */
  async hear (hearing: Hearing, arrivedMs: number): Promise<void> {
    const { book, clock, exceptions } = this.#parts
    const { detection } = hearing
    await this.#growth.hear(hearing)
    const nowMs = clock.now()
    const bench = this.#bench(detection, nowMs)
    const steps = bench.applications.map(({ rule }) => rule.description).join()
    const basis = `${detection.confidence} ${JSON.stringify(hearing.evidence)} ${book.version} ${exceptions.version} ${steps} ${this.halt?.at ?? ''}`
    if (!this.#settled.isDue(detection, basis, nowMs)) return
    this.#settled.heard(detection, basis, nowMs)
    const { rulings, state } = decide(hearing, this.#halted(), { ...bench, surroundings: this.#look() })
    this.#take(state)
    const news = rulings.filter(({ decision }) => this.#settled.note(decision))
    exceptions.note(detection, news)
    if (news.length > 0) await this.#carryOut(this.#keep(news, detection, arrivedMs))
  }

  async #again (waiting: Waiting, detection: Detection, agreed: { readonly by: string, readonly why: string }): Promise<Decision | null> {
    if (waiting.escalates !== undefined) return this.#growth.again(waiting.escalates, waiting.approval.evidence, detection, agreed)
    const again = this.#decideAgain(waiting, detection, agreed)
    if (again === null) return null
    this.#take(again.state)
    this.#settled.note(again.ruling.decision)
    await this.#carryOut(this.#keep([again.ruling], detection))
    return again.ruling.decision
  }

  #decideAgain (waiting: Waiting, detection: Detection, agreed: { readonly by: string, readonly why: string }, newId = this.#parts.newId): ReturnType<typeof decideAgain> {
    const bench = { ...this.#bench(detection, this.#parts.clock.now()), surroundings: this.#look(), newId }
    return decideAgain(waiting, waiting.approval.evidence, detection, agreed, this.#halted(), bench)
  }

  /** What would be decided if somebody agreed now; nothing is kept or used up. Throws as an answer does. */
  foresee (id: string): { readonly waiting: Waiting, readonly foreseen: Foreseen } {
    const { waiting, detection } = this.approvals.lookUp(id)
    const agreed = { by: 'Whoever agrees', why: 'reckoned beforehand' }
    const again = waiting.escalates === undefined ? this.#decideAgain(waiting, detection, agreed, () => id) : this.#growth.foresee(waiting.escalates, waiting.approval.evidence, detection, agreed)
    if (again === null) throw nothingLeft(waiting)
    return { waiting, foreseen: { decision: again.ruling.decision, plan: again.plan } }
  }

  /** With what stops all actions, whoever says so. */
  #halted (): SafetyState {
    const { halt } = this
    return halt === null ? this.#safety : { ...this.#safety, halt }
  }

  /** Takes what was used up; who stopped what is not a decision's to change. */
  #take (after: SafetyState): void {
    const { ownHalt } = this
    this.#safety = ownHalt === null ? withoutHalt(after) : { ...after, halt: ownHalt }
  }

  #bench (detection: Detection, nowMs: number): Omit<Bench, 'surroundings'> {
    return benchFor(detection, nowMs, { ...this.#parts, modelClasses: this.#modelClasses, settled: this.#settled })
  }

  /** Tells the circuit breaker how an enforced action ended. */
  async outcome (outcome: Outcome): Promise<void> {
    this.#safety = recordOutcome(this.#safety, outcome, this.#parts.safety, this.#parts.clock.now())
    await this.#parts.journal.keep({ writes: () => [this.#saveSafety()], audit: [] })
  }

  async #saveSafety (state = this.#safety): Promise<void> {
    await this.#parts.checkpoints.save(CHECKPOINT, state)
  }

  async #carryOut (kept: Promise<void>): Promise<void> {
    this.#underWay.add(kept)
    try {
      await kept
    } finally {
      this.#underWay.delete(kept)
    }
  }

  /** `arrivedMs` is of the score that it answers; absent where a person or a deadline does. */
  async #keep (news: readonly Pick<Ruling, 'decision' | 'mitigation' | 'errand'>[], detection: Detection, arrivedMs?: number): Promise<void> {
    const { store, journal, mitigations, errands } = this.#parts
    const outgoing = errands.admit(news.flatMap(({ errand }) => errand === null ? [] : [errand]))
    const following = news.flatMap(({ mitigation }) => mitigation === null ? [] : [mitigation])
    await journal.keep({
      // A mitigation whose decision was lost is found and told of (`restore` of its desk). A decision whose mitigation was lost would
      // pass for carried out, and its cooldown would keep others from it.
      ...following.length > 0 && { first: () => following.map(async (mitigation) => store.mitigations.put(mitigation.metadata.name, mitigation)) },
      writes: () => [
        ...news.map(async ({ decision }) => store.decisions.put(decision.id, decision)),
        ...outgoing.map(async (errand) => errands.keep(errand)),
        this.#saveSafety(),
      ],
      audit: news.map(({ decision }) => auditOf(decision, detection)),
      then: async () => {
        if (arrivedMs !== undefined) this.#parts.metrics.decisionSeconds((performance.now() - arrivedMs) / 1_000)
        for (const { decision } of news) this.#tell(decision)
        errands.begin(outgoing)
        // What waited for a store that refused must not begin once somebody stopped all actions.
        const { halt } = this
        if (halt === null) await mitigations.begin(following)
        else await mitigations.abandon(following, { actor: halt.by, reason: 'Reverted', why: `it had not begun when all new actions were stopped: ${halt.reason}` })
        await this.approvals.take(news.map(({ decision }) => decision))
      },
    })
  }

  #tell (decision: Decision): void {
    const { metrics, publish, log } = this.#parts
    metrics.decision(decision.verdict, decision.reason)
    log.info({ decision: decision.id, detection: decision.detection, rule: decision.rule, verdict: decision.verdict, reason: decision.reason }, decision.message)
    publish({ type: 'decision', decision })
  }
}

function withoutHalt ({ halt: _, ...rest }: SafetyState): SafetyState {
  return rest
}
