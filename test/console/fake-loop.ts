import { BaselineDesk } from '../../src/controller/baseline-desk.ts'
import { outlookOf } from '../../src/controller/foresee.ts'
import { emptyMemory } from '../../src/core/evidence/memory.ts'
import type { Drift } from '../../src/core/drift/drift.ts'
import type { PlanEffect } from '../../src/core/plan/effect.ts'
import type { Outlook } from '../../src/core/plan/outlook.ts'
import type { Plan } from '../../src/core/plan/plan.ts'
import type { Comparison } from '../../src/core/model/comparison.ts'
import type { ModelStanding } from '../../src/core/model/standing.ts'
import type { LeadershipStanding } from '../../src/core/leadership/standing.ts'
import type { ThreatPolicy } from '../../src/core/policy/threat-policy.ts'
import { advance } from '../../src/core/errand/advance.ts'
import type { Errand } from '../../src/core/errand/errand.ts'
import { on } from 'node:events'
import { EventEmitter } from 'node:events'
import { createHash } from 'node:crypto'
import type { Decision } from '../../src/core/policy/decision.ts'
import type { Detection } from '../../src/core/verdict/detection.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { Pod } from '../../src/core/pod.ts'
import { StoredExceptions } from '../../src/adapters/store/exceptions.ts'
import { StoredMeshPolicies } from '../../src/adapters/store/mesh-policies.ts'
import { command, type Command } from '../../src/core/rollout/advance.ts'
import type { Exception } from '../../src/core/exception/exception.ts'
import { readExceptionSpec } from '../../src/core/exception/read-exception.ts'
import type { MeshPolicy } from '../../src/core/rollout/mesh-policy.ts'
import { readMeshPolicySpec } from '../../src/core/rollout/read-mesh-policy.ts'
import { markOf } from '../../src/core/feedback/mark-detection.ts'
import type { Mark } from '../../src/core/feedback/mark.ts'
import { precisionOf } from '../../src/core/feedback/precision.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { FlowRecord } from '../../src/core/history/flow-record.ts'
import { ProtectedSet } from '../../src/core/safety/protected.ts'
import { DEFAULT_SAFETY_SETTINGS } from '../../src/core/safety/settings.ts'
import { standingOf } from '../../src/core/safety/standing.ts'
import { EMPTY_SAFETY_STATE, type Halt, type SafetyState } from '../../src/core/safety/state.ts'
import type { AuditEntry, AuditTrail } from '../../src/ports/audit.ts'
import type { Evidence } from '../../src/ports/errands.ts'
import type { WatchedPod } from '../../src/core/history/watched.ts'
import type { Said } from '../../src/ports/feedback.ts'
import type { KillSwitch, Pulled } from '../../src/ports/kill-switch.ts'
import type { Approvals, Loop, LoopEvent } from '../../src/ports/loop.ts'
import type { Collection } from '../../src/ports/object-store.ts'
import type { ProxyStatus } from '../../src/ports/proxies.ts'

class MemoryCollection<T> implements Collection<T> {
  readonly #items = new Map<string, T>()

  get = (id: string): T | null => this.#items.get(id) ?? null
  list = ({ limit = Infinity }: { limit?: number } = {}): readonly T[] => [...this.#items.values()].reverse().slice(0, limit)
  put = async (id: string, value: T): Promise<void> => { this.#items.set(id, value) }
  delete = async (id: string): Promise<void> => { this.#items.delete(id) }
}

class MemoryAudit implements AuditTrail {
  readonly #entries: AuditEntry[] = []
  readonly #now: () => number

  constructor (now: () => number) {
    this.#now = now
  }

  append = async (entry: Omit<AuditEntry, 'sequence' | 'at' | 'hash'>): Promise<AuditEntry> => {
    const sequence = this.#entries.length + 1
    const hash = createHash('sha256').update(JSON.stringify([this.#entries.at(-1)?.hash, entry])).digest('hex')
    const written = { ...entry, sequence, at: new Date(this.#now()).toISOString(), hash }
    this.#entries.push(written)
    return written
  }

  search = (query: Parameters<AuditTrail['search']>[0]): readonly AuditEntry[] => this.#entries.filter((entry) =>
    (query.text === undefined || JSON.stringify(entry).includes(query.text)) &&
    (query.actor === undefined || entry.actor === query.actor) &&
    (query.action === undefined || entry.action === query.action) &&
    (query.object === undefined || entry.object === query.object) &&
    (query.sinceMs === undefined || Date.parse(entry.at) >= query.sinceMs)).slice(-(query.limit ?? Infinity))
}

class MemoryKillSwitch implements KillSwitch {
  halt: Halt | null = null
  readonly #loop: Pick<FakeLoop, 'now' | 'store' | 'emit'>

  constructor (loop: Pick<FakeLoop, 'now' | 'store' | 'emit'>) {
    this.#loop = loop
  }

  async pull (by: string, reason: string, undo: boolean): Promise<Pulled> {
    const halt = { by, reason, at: new Date(this.#loop.now()).toISOString() }
    await this.#loop.emit({ type: 'halt', halt })
    return { halt, undone: undo ? this.#loop.store.mitigations.list().length : 0, failed: [] }
  }

  async release (): Promise<void> {
    if (this.halt === null) throw new AutoshieldError('CONFLICT', 'nobody stopped it')
    await this.#loop.emit({ type: 'halt', halt: null })
  }
}

class MemoryApprovals implements Approvals {
  readonly #loop: Pick<FakeLoop, 'store' | 'answers' | 'emit' | 'now'>

  constructor (loop: Pick<FakeLoop, 'store' | 'answers' | 'emit' | 'now'>) {
    this.#loop = loop
  }

  get waiting (): readonly Decision[] {
    return this.#loop.store.decisions.list().filter(({ approval }) => approval?.state === 'waiting')
  }

  async answer (id: string, answer: 'approve' | 'reject', actor: string, reason: string): Promise<Decision> {
    const found = this.#loop.store.decisions.get(id)
    if (found === null) throw new AutoshieldError('NOT_FOUND', `There is no decision "${id}".`)
    if (found.approval?.state !== 'waiting') throw new AutoshieldError('CONFLICT', `Decision ${id} waits for nobody.`)
    this.#loop.answers.push({ id, answer, actor, reason })
    const settled: Decision = { ...found, approval: { ...found.approval, state: answer === 'approve' ? 'approved' : 'rejected', by: actor, why: reason, at: new Date(this.#loop.now()).toISOString() } }
    await this.#loop.emit({ type: 'decision', decision: settled })
    return settled
  }
}

/** A Loop that holds what a test puts into it and tells it to everybody who watches. */
export class FakeLoop implements Loop {
  readonly store = {
    detections: new MemoryCollection<Detection>(),
    decisions: new MemoryCollection<Decision>(),
    mitigations: new MemoryCollection<Mitigation>(),
  }

  readonly audit: MemoryAudit
  readonly reverts: { mitigation: string, actor: string, reason: string }[] = []
  podList: Pod[] = []
  proxyList: ProxyStatus[] = []
  snapshots = new Map<string, { version: string, resources: unknown }>()
  readiness: { ready: boolean, reasons: readonly string[] } = { ready: true, reasons: [] }
  #traffic: Extract<LoopEvent, { type: 'traffic' }> | null = null
  readonly #events = new EventEmitter()
  readonly now: () => number

  constructor (now: () => number = Date.now) {
    this.now = now
    this.audit = new MemoryAudit(now)
    this.#events.setMaxListeners(0)
  }

  pods = {
    byAddress: (address: string) => this.podList.find(({ addresses }) => addresses.includes(address)) ?? null,
    byUid: (uid: string) => this.podList.find((pod) => pod.uid === uid) ?? null,
    list: () => this.podList,
  }

  proxies = {
    apply: () => {},
    heard: () => true,
    statuses: () => this.proxyList,
    snapshot: (podUid: string) => this.snapshots.get(podUid) ?? null,
    onChange: () => ({ [Symbol.dispose]: () => {} }),
  }

  flowRecords: readonly FlowRecord[] = []
  watched: readonly WatchedPod[] = []
  readonly flows: Loop['flows'] = {
    watched: () => this.watched,
    records: ({ sinceMs, untilMs = Infinity, namespace }) => this.flowRecords.filter(({ firstMs, lastMs, source, destination }) => lastMs > sinceMs && firstMs < untilMs && (namespace === undefined || [source, destination].some(({ pod }) => pod?.namespace === namespace))),
    kept: () => ({ rows: this.flowRecords.length, sinceMs: this.flowRecords.length === 0 ? null : Math.min(...this.flowRecords.map(({ firstMs }) => firstMs)), lost: { room: 0, late: 0, ends: 0 } }),
  }

  drifts: readonly Drift[] = []
  readonly drift = { list: (): readonly Drift[] => this.drifts }
  protectedSet = new ProtectedSet([])
  planEffect: PlanEffect | null = null
  effect = (): PlanEffect => {
    if (this.planEffect === null) throw new AutoshieldError('CONFLICT', 'No cluster is connected.')
    return this.planEffect
  }

  /** What is planned for decisions that wait, by their id. */
  plans = new Map<string, Plan>()
  outlook = (id: string): Outlook => {
    const decision = this.store.decisions.get(id)
    if (decision === null) throw new AutoshieldError('NOT_FOUND', `There is no decision "${id}".`)
    if (decision.approval?.state !== 'waiting') throw new AutoshieldError('CONFLICT', `Decision ${id} waits for nobody.`)
    const { approval: _, ...asked } = decision
    return outlookOf(decision, { decision: { ...asked, verdict: 'mitigate', reason: 'RuleMatched' }, plan: this.plans.get(id) ?? null }, this.effect)
  }

  safetyState: SafetyState = EMPTY_SAFETY_STATE
  safety = () => standingOf(this.safetyState, { ...DEFAULT_SAFETY_SETTINGS, actuationEnabled: true }, this.now())

  protections = { now: () => this.protectedSet }
  kept = new Map<string, { account: Awaited<ReturnType<Evidence['look']>>, files: Readonly<Record<string, string>> }>()
  evidence: Evidence = {
    look: async (name) => this.#keptAs(name).account,
    read: async (name, file) => {
      const text = this.#keptAs(name).files[file]
      if (text === undefined) throw new AutoshieldError('NOT_FOUND', `Evidence ${name} has no file "${file}".`)
      return text
    },
  }

  #keptAs (name: string) {
    const kept = this.kept.get(name)
    if (kept === undefined) throw new AutoshieldError('NOT_FOUND', `There is no evidence "${name}".`)
    return kept
  }

  threatPolicyList: readonly ThreatPolicy[] = []
  threatPolicies = { list: () => this.threatPolicyList }
  leads: LeadershipStanding | null = null
  leadership = () => this.leads
  readonly errandStore = new MemoryCollection<Errand>()
  readonly errands = {
    get: (id: string) => this.errandStore.get(id),
    list: (query?: { limit?: number }) => this.errandStore.list(query),
    cancel: async (id: string, actor: string, reason: string) => {
      const errand = this.errandStore.get(id)
      if (errand === null) throw new AutoshieldError('NOT_FOUND', `There is no errand '${id}'.`)
      if (errand.state.phase !== 'waiting') throw new AutoshieldError('CONFLICT', `Errand '${id}' has ended.`)
      const ended = advance(errand, { type: 'cancelled', reason: 'Cancelled', message: `Cancelled by ${actor}: ${reason}` }, this.now(), 0)
      await this.errandStore.put(id, ended)
      return ended
    },
  }

  readonly killSwitch = new MemoryKillSwitch(this)
  readonly answers: { id: string, answer: string, actor: string, reason: string }[] = []
  readonly approvals = new MemoryApprovals(this)

  readonly meshPolicies = new StoredMeshPolicies(new MemoryCollection<MeshPolicy>())
  rollouts = {
    get: (name: string) => this.meshPolicies.get(name),
    list: () => this.meshPolicies.list(),
    apply: async (name: string, spec: unknown) => {
      const read = readMeshPolicySpec(spec)
      if (!read.ok) throw new AutoshieldError('BAD_DATA', read.problems.join('; '))
      return this.meshPolicies.ask(name, read.spec, new Date(this.now()).toISOString())
    },
    remove: async (name: string) => {
      const policy = this.meshPolicies.get(name)
      if (policy === null) throw new AutoshieldError('NOT_FOUND', `There is no mesh policy '${name}'.`)
      await this.meshPolicies.remove(name)
      return policy
    },
    command: async (name: string, asked: Command, actor: string, why: string) => {
      const policy = this.meshPolicies.get(name)
      if (policy === null) throw new AutoshieldError('NOT_FOUND', `There is no mesh policy '${name}'.`)
      const commanded = command(policy, asked, actor, why, this.now())
      if (!commanded.ok) throw new AutoshieldError('CONFLICT', commanded.message)
      return this.meshPolicies.tell(name, commanded.status)
    },
  }

  readonly storedExceptions = new StoredExceptions(new MemoryCollection<Exception>())
  readonly #marks = new MemoryCollection<Mark>()
  feedback = {
    marks: () => this.#marks.list(),
    precision: () => precisionOf(this.#marks.list()),
    version: 0,
    mark: async (id: string, { verdict, reason, exceptUntil }: Said, by: string): Promise<Mark> => {
      const detection = this.store.detections.get(id)
      if (detection === null) throw new AutoshieldError('NOT_FOUND', `There is no detection '${id}'.`)
      if (verdict === 'confirmed' && exceptUntil !== null) throw new AutoshieldError('BAD_DATA', 'An exception is for what is a false alarm.')
      const mark = markOf(detection, { verdict, reason, by, at: new Date(this.now()).toISOString(), exception: exceptUntil === null ? null : `mark-${id}` })
      await this.#marks.put(id, mark)
      this.feedback.version++
      await this.emit({ type: 'changed', list: 'marks' })
      return mark
    },
  }

  /** What is remembered of live traffic, to be taught and forgotten. */
  readonly remembered = emptyMemory()
  readonly baselines = new BaselineDesk({
    detections: { memory: this.remembered, edit: async (change) => change(this.remembered) },
    journal: { record: async (entry) => { await this.audit.append(entry) } },
    clock: { now: () => this.now() },
  })

  exceptions = {
    list: () => this.storedExceptions.list(),
    add: async (name: string, spec: unknown) => {
      const at = new Date(this.now()).toISOString()
      const read = readExceptionSpec(spec, at)
      if (!read.ok) throw new AutoshieldError('BAD_DATA', read.problems.join('; '))
      return this.storedExceptions.add(name, read.spec, at)
    },
    remove: async (name: string) => {
      const found = this.storedExceptions.list().find(({ metadata }) => metadata.name === name)
      if (found === undefined) throw new AutoshieldError('NOT_FOUND', `There is no exception '${name}'.`)
      await this.storedExceptions.remove(name)
      return found
    },
  }

  rulebook = {
    why: () => [{ policy: 'policies/default.yaml', rule: 'Brute force', id: 'brute-force', outcome: 'fires' as const, reason: 'RuleMatched' as const, message: 'confidence 0.97 is at or above the 0.9 of rule "Brute force"' }],
  }

  traffic = () => this.#traffic
  standing: ModelStanding | null = { sequence: 2, current: 'mine-2', shadow: 'mine-3', refused: [], by: 'ann', reason: 'a week in shadow' }
  compared: Comparison | null = null
  models = () => this.standing
  comparison = () => this.compared
  policy: Loop['policy'] = () => ({ source: 'policies/default.yaml', rules: [{ name: 'Brute force', attack_class: 'BRUTE_FORCE', confidence_threshold: 0.9 }] })
  ready = () => this.readiness

  revert = async (name: string, actor: string, reason: string): Promise<Mitigation> => {
    const found = this.store.mitigations.get(name)
    if (found === null) throw new AutoshieldError('NOT_FOUND', `There is no mitigation '${name}'.`)
    this.reverts.push({ mitigation: name, actor, reason })
    const reverted: Mitigation = { ...found, status: { ...found.status, phase: 'reverted', endedAt: new Date(this.now()).toISOString() } }
    await this.emit({ type: 'mitigation', mitigation: reverted })
    await this.audit.append({ actor, action: 'revert', object: name, reason: 'Reverted', detail: { reason } })
    return reverted
  }

  async * subscribe (signal: AbortSignal): AsyncGenerator<LoopEvent, void> {
    try {
      for await (const [event] of on(this.#events, 'event', { signal }) as AsyncIterable<[LoopEvent]>) yield event
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** Keeps what the event carries, as the controller does before it tells anybody, and hands it on. */
  async emit (event: LoopEvent): Promise<void> {
    switch (event.type) {
      case 'detection': await this.store.detections.put(event.detection.id, event.detection); break
      case 'decision': await this.store.decisions.put(event.decision.id, event.decision); break
      case 'mitigation': await this.store.mitigations.put(event.mitigation.metadata.name, event.mitigation); break
      case 'proxy': this.proxyList = [...this.proxyList.filter(({ podUid }) => podUid !== event.status.podUid), event.status]; break
      case 'rollout': if (event.policy !== null) await this.meshPolicies.restore(event.policy); else await this.meshPolicies.remove(event.name); break
      case 'halt': this.killSwitch.halt = event.halt; break
      case 'traffic': this.#traffic = event; break
      case 'changed': break
    }
    this.#events.emit('event', event)
  }
}
