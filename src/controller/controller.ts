import { AutoshieldError } from '../core/errors.ts'
import { CLASSES } from '../core/classes.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { PlanEffect } from '../core/plan/effect.ts'
import type { Outlook } from '../core/plan/outlook.ts'
import type { Comparison } from '../core/model/comparison.ts'
import type { ModelStanding } from '../core/model/standing.ts'
import { openTimeZone } from '../core/policy/time-zone.ts'
import { DEFAULT_SAFETY_SETTINGS } from '../core/safety/settings.ts'
import type { SafetyStanding } from '../core/safety/standing.ts'
import type { AuditTrail } from '../ports/audit.ts'
import type { PodDirectory, Protections } from '../ports/directories.ts'
import type { Evidence } from '../ports/errands.ts'
import type { Approvals, Loop, LoopEvent } from '../ports/loop.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { ProxyFleet } from '../ports/proxies.ts'
import type { ModelInfo } from '../ports/scorer.ts'
import { Enforcement } from './actuation/enforcement.ts'
import { BaselineDesk } from './baseline-desk.ts'
import type { ControllerParts } from './controller-parts.ts'
import { DecisionDesk } from './decision-desk.ts'
import { DetectionDesk } from './detection-desk.ts'
import { DriftDesk } from './drift-desk.ts'
import { ErrandDesk } from './errands/errand-desk.ts'
import { ExceptionDesk } from './exceptions/exception-desk.ts'
import { ExceptionsInForce } from './exceptions/exceptions-in-force.ts'
import { Explainer } from './explainer.ts'
import { FeedbackDesk } from './feedback/feedback-desk.ts'
import { FlowRecorder } from './flows/flow-recorder.ts'
import { outlookOf, type EffectOfSpec } from './foresee.ts'
import { Journal } from './journal.ts'
import { Judge } from './judge.ts'
import { LoopKillSwitch } from './kill-switch.ts'
import { letGo } from './let-go.ts'
import { listsOf } from './list-news.ts'
import { LoopNews } from './loop-news.ts'
import { MitigationDesk } from './mitigation-desk.ts'
import { ModelNews } from './model-news.ts'
import { NodeQuarantine } from './nodes/node-quarantine.ts'
import { OtherEnd } from './other-end.ts'
import { PolicyKeeper } from './policy-keeper.ts'
import { RolloutDesk } from './rollout/rollout-desk.ts'
import { ScoreEvents } from './score-events.ts'
import { waysTo } from './ways-to.ts'
import { Wake } from './wake.ts'

const BEAT_MS = 1_000
const BEATS_PER_RELOAD = 2
const BEATS_PER_CHECKPOINT = 5
const BEATS_PER_FLOW_MINUTE = 60

/**
 * The loop: scores become detections, detections decisions, decisions mitigations, and mitigations end. Nothing is done
 * that is not on the disk and in the trail before; nothing waits for an explanation. What the store refuses is tried
 * again, and the loop says that it is degraded. Constructing does nothing; `run` does all, until its signal aborts.
 */
export class Controller implements Loop, AsyncDisposable {
  readonly store: ObjectStore
  readonly audit: AuditTrail
  readonly pods: PodDirectory
  readonly protections: Protections
  readonly proxies: ProxyFleet
  readonly rollouts: RolloutDesk
  readonly exceptions: ExceptionDesk
  readonly baselines: BaselineDesk
  readonly rulebook: PolicyKeeper
  readonly feedback: FeedbackDesk
  readonly drift: DriftDesk
  readonly killSwitch: LoopKillSwitch
  /** What was seen, for plans. */
  readonly flows: FlowRecorder
  readonly errands: ErrandDesk
  readonly evidence: Evidence
  readonly threatPolicies: Loop['threatPolicies']
  readonly approvals: Approvals
  readonly leadership: Loop['leadership']
  readonly #parts: ControllerParts
  readonly #news: LoopNews
  readonly #proxyNews = new Wake()
  readonly #podNews = new Wake()
  readonly #stop = new AbortController()
  readonly #journal: Journal
  readonly #detections: DetectionDesk
  readonly #mitigations: MitigationDesk
  readonly #decisions: DecisionDesk
  readonly #judge: Judge
  readonly #otherEnd: OtherEnd
  readonly #nodes: NodeQuarantine | null
  readonly #models: ModelNews
  readonly #enforcement: Enforcement | null
  readonly #heard: ScoreEvents
  #running: Promise<void> | null = null

  /** Throws USAGE where the time zone is none. */
  constructor (parts: ControllerParts) {
    const { store, checkpoints, audit, scores, pods, protections, proxies, clock, newId, metrics, log, settings } = parts
    const zone = openTimeZone(settings.zone)
    if (zone === null) throw new AutoshieldError('USAGE', `"${settings.zone}" is no time zone: name one of IANA's, such as Europe/Berlin or UTC.`)
    this.#news = new LoopNews(metrics)
    const publish = (event: LoopEvent): void => this.#news.publish(event)
    const safety = { ...DEFAULT_SAFETY_SETTINGS, ...settings.safety, actuationEnabled: settings.actuationEnabled, actions: parts.actions }
    this.store = store
    this.audit = audit
    this.pods = pods
    this.protections = protections
    this.proxies = proxies
    this.evidence = parts.evidence
    this.leadership = parts.leadership
    this.threatPolicies = parts.threatPolicies ?? { list: () => [] }
    this.#parts = parts
    this.#journal = new Journal({ audit, metrics, log })
    this.rulebook = new PolicyKeeper({ source: parts.policy, threatPolicies: parts.threatPolicies, checkpoints, journal: this.#journal, clock, zone, metrics, log }, CLASSES)
    this.drift = new DriftDesk({ checkpoints, journal: this.#journal, metrics, clock, log })
    this.#detections = new DetectionDesk({ unfamiliar: (score) => this.drift.unfamiliar(score), store, checkpoints, journal: this.#journal, pods, clock, newId, metrics, publish, sharedAddresses: new Set(settings.safety.sharedAddresses), admission: parts.admission })
    this.baselines = new BaselineDesk({ detections: this.#detections, journal: this.#journal, clock })
    this.flows = new FlowRecorder({ flows: parts.flows, pods, namespaces: parts.namespaces, services: parts.services, reporters: parts.reporters, clock, log })
    this.#enforcement = parts.network === undefined ? null : new Enforcement({ ...parts.network, pods, protections, labelRestMs: settings.labelRestMs, flows: this.flows, clock, random: parts.random, audit, journal: this.#journal, log })
    this.#mitigations = new MitigationDesk({ store, audit, journal: this.#journal, proxies, policies: this.#enforcement?.fleet ?? null, pods, protections, rolledOut: () => this.rollouts.rolledOut(), openDetections: () => this.#detections.open(), clock, metrics, publish })
    this.rollouts = new RolloutDesk({
      policies: parts.meshPolicies, checkpoints, journal: this.#journal, mitigations: this.#mitigations, pods, proxies, clock, log, suspects: () => this.#detections.suspects(), harmed: async () => this.#decisions.outcome('harmful'),
    })
    this.errands = new ErrandDesk({
      ...parts.errands, detection: (id) => store.detections.get(id), journal: this.#journal, clock, random: parts.random, halt: () => this.#decisions.halt, outcome: async (outcome) => this.#decisions.outcome(outcome),
    })
    const { book } = this.rulebook
    const inForce = new ExceptionsInForce({ pods, clock })
    this.exceptions = new ExceptionDesk({ exceptions: parts.exceptions, inForce, mitigations: this.#mitigations, store, book, rollouts: this.rollouts, journal: this.#journal, clock, log })
    this.#decisions = new DecisionDesk({
      store, checkpoints, audit, journal: this.#journal, book, mitigations: this.#mitigations, errands: this.errands, exceptions: inForce, applications: (detection) => this.rollouts.applications(detection), pods, serviceAt: parts.services === undefined ? undefined : (address) => parts.services?.byAddress(address) ?? null, protections, nodes: parts.nodes?.directory ?? null, cluster: () => this.#enforcement?.knowledge() ?? null, clock, newId, zone, metrics, log, publish, safety, kept: this.flows, flows: () => this.traffic()?.edges ?? [],
    })
    this.approvals = this.#decisions.approvals
    const api = parts.nodes?.api ?? null
    this.#nodes = api === null ? null : new NodeQuarantine({ api, active: () => this.#mitigations.active, tell: async (name, change) => this.#mitigations.answered(name, change), clock, log })
    this.killSwitch = new LoopKillSwitch({ decisions: this.#decisions, mitigations: this.#mitigations, journal: this.#journal, clock, publish, log, orders: parts.orders ?? null })
    this.feedback = new FeedbackDesk({ marks: parts.marks, store, exceptions: this.exceptions, journal: this.#journal, metrics, clock })
    this.#models = new ModelNews({ checkpoints, journal: this.#journal, metrics })
    const explainer = new Explainer({ scores, metrics, log, answer: async (detection, explanation) => this.#detections.explained(detection, explanation) })
    this.#otherEnd = new OtherEnd({ accounts: parts.accounts ?? null, waysTo: waysTo({ pods, services: parts.services, nodes: parts.nodes?.directory }), compared: async (event) => this.#detections.compared(event), letGo: letGo({ mitigations: this.#mitigations, log }), decide: async (hearing, arrivedMs) => this.#decisions.hear(hearing, arrivedMs), clock, metrics, log })
    this.#judge = new Judge({ book, detections: this.#detections, otherEnd: this.#otherEnd, explainer, mitigations: this.#mitigations, rollouts: this.rollouts, pods, zone })
    this.#heard = new ScoreEvents({ flows: this.flows, forgers: this.#detections.forgers, journal: this.#journal, judge: this.#judge, meet: async (model) => this.#meetModel(model), drift: this.drift, metrics, mitigations: this.#mitigations, models: this.#models, publish, rollouts: this.rollouts })
  }

  /**
   * Takes up what the last run left, then works until the signal aborts, and leaves all in order. Rejects BAD_DATA where
   * the policy cannot be understood at the start, or what is stored cannot be read.
   */
  async run (signal: AbortSignal): Promise<void> {
    this.#running ??= this.#work(AbortSignal.any([signal, this.#stop.signal]))
    await this.#running
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.#stop.abort()
    await this.#running?.catch(() => undefined) // whoever called `run` was told
  }

  models (): ModelStanding | null {
    return this.#models.standing
  }

  comparison (): Comparison | null {
    return this.#models.comparison
  }

  traffic (): Extract<LoopEvent, { type: 'traffic' }> | null {
    return this.#heard.traffic
  }

  policy (): { source: string, rules: readonly unknown[] } {
    const { name, rules } = this.rulebook.book.policy
    return { source: name, rules }
  }

  safety (): SafetyStanding {
    return this.#decisions.standing()
  }

  subscribe (signal: AbortSignal): AsyncIterable<LoopEvent> {
    return this.#news.subscribe(signal)
  }

  ready (): { ready: boolean, reasons: readonly string[] } {
    const { failure } = this.#journal
    const reasons = [
      ...(this.#judge.model === null ? ['No detector has answered yet.'] : []),
      ...(failure === null ? [] : [`The store refuses writes, so nothing new is done: ${failure.message}`]),
    ]
    return { ready: reasons.length === 0, reasons }
  }

  outlook (decision: string): Outlook {
    const { waiting, foreseen } = this.#decisions.foresee(decision)
    return outlookOf(waiting, foreseen, (mitigation) => this.effect(mitigation))
  }

  effect (mitigation: Parameters<EffectOfSpec>[0]): PlanEffect {
    if (this.#enforcement === null) throw new AutoshieldError('CONFLICT', `No cluster is connected to this AutoShield, so nobody chooses among NetworkPolicies here. Where one is, ask its controller: kubectl -n autoshield port-forward deploy/autoshield-controller 8000, then autoshield mitigations plan ${mitigation.metadata.name}. What was planned here without one stands in the decision: autoshield decisions list -o json.`)
    return this.#enforcement.effect(mitigation, this.#mitigations.active)
  }

  async revert (mitigation: string, actor: string, reason: string): Promise<Mitigation> {
    if (actor.trim() === '') throw new AutoshieldError('USAGE', 'An undo needs the name of whoever asks for it.')
    const undone = await this.#mitigations.revert(mitigation, { actor, reason: 'Reverted', why: reason })
    if (!undone.status.simulated) await this.#decisions.outcome('undone')
    return undone
  }

  async #work (signal: AbortSignal): Promise<void> {
    await this.#start()
    const failed = new AbortController()
    const until = AbortSignal.any([signal, failed.signal])
    using listening = this.proxies.onChange((status) => {
      this.#news.publish({ type: 'proxy', status })
      this.#proxyNews.ring()
    })
    using following = this.pods.onChange?.(() => this.#podNews.ring())
    try {
      const tasks = [this.#followScores(until), this.#beat(until), this.#followProxies(until), this.#followPods(until), this.killSwitch.run(until), this.rulebook.run(until), this.exceptions.run(until), this.errands.run(until), this.#enforcement?.run(until, () => this.#proxyNews.ring()) ?? Promise.resolve()]
      await Promise.all(tasks.map(async (task) => task.catch((error: unknown) => {
        failed.abort()
        throw error
      })))
    } finally {
      listening[Symbol.dispose]()
      following?.[Symbol.dispose]()
      await this.#finish()
    }
  }

  async #start (): Promise<void> {
    await this.rulebook.start()
    await this.#decisions.restore(await this.#detections.restore())
    this.#decisions.charge(await this.#mitigations.restore())
    await this.exceptions.look()
    this.rollouts.restore()
    this.feedback.restore()
    this.drift.restore()
    this.errands.restore()
    await this.killSwitch.follow()
    this.#proxyNews.ring()
  }

  /** Last writes; a store that refuses them costs evidence in the making, nothing that was decided. */
  async #finish (): Promise<void> {
    await this.#otherEnd.idle()
    await this.#detections.flush()
    await this.#detections.checkpoint()
    await this.rollouts.checkpoint()
    await this.drift.checkpoint()
    await this.#journal.retry()
    await this.flows.rest()
  }

  async #meetModel (model: ModelInfo): Promise<void> {
    this.#judge.meet(model)
    this.#decisions.setModelClasses(model.classes)
    this.drift.setModel(model)
    await this.rulebook.meet(model.classes)
  }

  /** Of every key, whatever its score: what is usual, who is new to whom and what a restriction cuts shows in keys that nobody suspects. */
  async #followScores (signal: AbortSignal): Promise<void> {
    const { scores, settings } = this.#parts
    for await (const event of scores.watch({ floor: settings.floor, everyKey: true }, signal)) await this.#heard.hear(event)
  }

  async #beat (signal: AbortSignal): Promise<void> {
    for await (const beat of this.#parts.every(BEAT_MS, signal)) {
      await this.#mitigations.followAttacks()
      await this.#mitigations.expire()
      await this.#nodes?.look()
      if (this.#mitigations.awaits) this.#proxyNews.ring()
      if (await this.#enforcement?.beat(this.#mitigations) === true) this.#proxyNews.ring()
      await this.#journal.retry()
      await this.#detections.take({ type: 'tick' }).kept
      await this.#detections.flush()
      await this.#decisions.approvals.beat()
      await this.rollouts.beat()
      this.rulebook.ring()
      this.exceptions.ring() // one may have ended
      this.errands.ring()
      this.killSwitch.ring()
      this.#podNews.ring() // without news of a pod a mitigation may have begun, or a rollout moved
      this.#news.beat(this.rollouts.list(), listsOf(this))
      if (beat % BEATS_PER_CHECKPOINT === BEATS_PER_CHECKPOINT - 1) await Promise.all([this.#detections.checkpoint(), this.rollouts.checkpoint(), this.drift.checkpoint()])
      if (beat % BEATS_PER_RELOAD === BEATS_PER_RELOAD - 1) await this.rulebook.reload()
      if (beat % BEATS_PER_FLOW_MINUTE === BEATS_PER_FLOW_MINUTE - 1) this.flows.beat()
    }
  }

  async #followPods (signal: AbortSignal): Promise<void> {
    while (await this.#podNews.next(signal)) if (await this.#mitigations.follow()) this.#proxyNews.ring()
  }

  async #followProxies (signal: AbortSignal): Promise<void> {
    while (await this.#proxyNews.next(signal)) {
      for (const outcome of await this.#mitigations.observe()) await this.#decisions.outcome(outcome)
    }
  }
}
