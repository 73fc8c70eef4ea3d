import { Registry } from 'prom-client'
import { openAuditTrail } from '../../src/adapters/store/audit-trail.ts'
import { EvidenceFolder } from '../../src/adapters/store/evidence-folder.ts'
import { FlowStore } from '../../src/adapters/store/flow-store.ts'
import { openStore } from '../../src/adapters/store/object-store.ts'
import { newId } from '../../src/adapters/standalone/clock.ts'
import { Controller } from '../../src/controller/controller.ts'
import type { ControllerParts } from '../../src/controller/controller-parts.ts'
import { DEFAULT_CONTROLLER_SETTINGS, type ControllerSettings } from '../../src/controller/settings.ts'
import { errandMetrics } from '../../src/controller/errands/metrics.ts'
import { DEFAULT_SAFETY_SETTINGS } from '../../src/core/safety/settings.ts'
import type { Pod } from '../../src/core/pod.ts'
import { ProtectedSet } from '../../src/core/safety/protected.ts'
import type { AuditTrail } from '../../src/ports/audit.ts'
import type { LoopEvent } from '../../src/ports/loop.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import { T0 } from '../core/verdict/made-score.ts'
import { CountedMetrics, FakeBeats, FakeCarrier, FakeFleet, FakePolicy, FakeScores } from './fakes.ts'

export const PODS: readonly Pod[] = [
  { uid: 'u7', namespace: 'shop', name: 'web-7', addresses: ['10.0.0.7'], labels: {}, node: 'n1' },
  { uid: 'u9', namespace: 'shop', name: 'db-0', addresses: ['10.0.0.9'], labels: {}, node: 'n1' },
]

/** UID of a pod that is protected. */
export const GUARDED = 'u-guarded'

export const POLICY = `
rules:
  - id: scans
    name: Scans
    attack_class: PORT_SCAN
    confidence_threshold: 0.9
    cooldown_seconds: 60
    ttl_seconds: 300
    actions:
      - action_type: network_policy
        parameters: { direction: ingress, ports: any }
`

/** A controller over the real store in `dir`, with fakes at its other edges; a clock that only the test moves. */
export class Bench implements AsyncDisposable {
  readonly scores = new FakeScores()
  readonly fleet = new FakeFleet()
  readonly beats = new FakeBeats()
  readonly metrics = new CountedMetrics()
  readonly carrier = new FakeCarrier()
  readonly policy: FakePolicy
  readonly store: ReturnType<typeof openStore>
  readonly audit: ReturnType<typeof openAuditTrail>
  readonly flows: FlowStore
  readonly controller: Controller
  readonly events: LoopEvent[] = []
  readonly logged: string[] = []
  nowMs = T0
  readonly #stop = new AbortController()
  readonly #done: Promise<unknown>

  constructor (dir: string, options: { settings?: Partial<ControllerSettings>, policy?: string, wrap?: (parts: ControllerParts) => Partial<ControllerParts>, nowMs?: number } = {}) {
    this.nowMs = options.nowMs ?? T0
    this.policy = new FakePolicy(options.policy ?? POLICY)
    this.store = openStore(dir)
    const clock = { now: () => this.nowMs }
    this.audit = openAuditTrail(dir, { clock })
    this.flows = new FlowStore(dir, { clock })
    const log = (_fields: object, message: string): void => { this.logged.push(message) }
    const parts: ControllerParts = {
      store: this.store,
      checkpoints: this.store.checkpoints,
      meshPolicies: this.store.meshPolicies,
      exceptions: this.store.exceptions,
      marks: this.store.marks,
      flows: this.flows,
      audit: this.audit,
      scores: this.scores,
      pods: { byAddress: (address) => PODS.find(({ addresses }) => addresses.includes(address)) ?? null, byUid: (uid) => PODS.find((pod) => pod.uid === uid) ?? null, list: () => PODS },
      protections: { now: () => new ProtectedSet([{ kind: 'pod', name: 'shop/guarded', uid: GUARDED, by: 'operator', how: 'It is named.' }]) },
      proxies: this.fleet,
      policy: this.policy,
      clock,
      every: this.beats.every,
      newId,
      random: () => 0,
      errands: { store: this.store.errands, carrier: this.carrier, metrics: errandMetrics(new Registry()) },
      evidence: new EvidenceFolder(dir),
      leadership: () => null,
      actions: DEFAULT_SAFETY_SETTINGS.actions,
      metrics: this.metrics,
      log: { info: log, warn: log, error: log },
      settings: { ...DEFAULT_CONTROLLER_SETTINGS, actuationEnabled: true, ...options.settings },
    }
    this.controller = new Controller({ ...parts, ...options.wrap?.(parts) })
    this.#done = Promise.allSettled([this.#collect(), this.controller.run(this.#stop.signal)])
  }

  /** Resolves when the first stream of scores is being read. */
  static async start (...args: ConstructorParameters<typeof Bench>): Promise<Bench> {
    const bench = new Bench(...args)
    await bench.until(() => bench.controller.ready().ready)
    return bench
  }

  /** Waits for an event of the loop after which it is true. Nothing is timed: turns of the event loop pass. */
  async until (holds: () => boolean): Promise<void> {
    for (let turn = 0; turn < 20_000 && !holds(); turn++) await new Promise((resolve) => setImmediate(resolve))
    if (!holds()) throw new Error('it never came true')
  }

  async beat (afterMs = 1_000): Promise<void> {
    this.nowMs += afterMs
    await this.beats.beat()
  }

  /** The trail, oldest first, as `action object-kind reason`. */
  trail (audit: AuditTrail = this.audit): string[] {
    return audit.search({ limit: -1 }).toReversed().map(({ action, object, reason }) => `${action} ${object.replace(/\/.*/, '')} ${reason}`)
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.#stop.abort()
    await this.#done
    await this.controller[Symbol.asyncDispose]()
    this.flows[Symbol.dispose]()
    await this.audit[Symbol.asyncDispose]()
    await this.store[Symbol.asyncDispose]()
  }

  async #collect (): Promise<void> {
    for await (const event of this.controller.subscribe(this.#stop.signal)) this.events.push(event)
  }
}

/** A store whose collections refuse to write while `refuses` says so. */
export function refusing (store: ObjectStore, refuses: () => Error | null): ObjectStore {
  const guard = <T>(collection: { get: (id: string) => T | null, list: (query?: { limit?: number }) => readonly T[], put: (id: string, value: T) => Promise<void> }) => ({
    get: (id: string) => collection.get(id),
    list: (query?: { limit?: number }) => collection.list(query),
    put: async (id: string, value: T) => {
      const refusal = refuses()
      if (refusal !== null) throw refusal
      await collection.put(id, value)
    },
  })
  return { detections: guard(store.detections), decisions: guard(store.decisions), mitigations: guard(store.mitigations) }
}
