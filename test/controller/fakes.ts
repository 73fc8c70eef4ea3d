import { PodTable } from '../../src/core/kubernetes/pod-table.ts'
import type { Outcome } from '../../src/core/errand/advance.ts'
import type { Errand } from '../../src/core/errand/errand.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { Pod } from '../../src/core/pod.ts'
import type { Score } from '../../src/core/verdict/score.ts'
import { FEATURES } from '../../src/core/window/window.ts'
import { Broadcast } from '../../src/controller/broadcast.ts'
import type { ControllerMetrics } from '../../src/controller/metrics.ts'
import type { PodDirectory } from '../../src/ports/directories.ts'
import type { ErrandCarrier } from '../../src/ports/errands.ts'
import type { ProxyFleet, ProxyStatus } from '../../src/ports/proxies.ts'
import type { ModelInfo } from '../../src/ports/scorer.ts'
import type { ScoreEvent, ScoreSource } from '../../src/ports/scores.ts'
import type { PolicySource } from '../../src/ports/threat-policies.ts'
import { MODEL } from '../core/verdict/made-score.ts'

export const MODEL_INFO: ModelInfo = { ...MODEL, contextColumns: [], known: null }

/** Scores that the test pushes; `watch` opens with `synced`, as a real one does. */
export class FakeScores implements ScoreSource {
  readonly interests: { floor: number, everyKey: boolean }[] = []
  readonly #events = new Broadcast<{ event: ScoreEvent, taken: () => void }>(1_000)
  explaining: (score: Score) => Promise<void> = async () => undefined

  async * watch (interest: { floor: number, everyKey: boolean }, signal: AbortSignal): AsyncGenerator<ScoreEvent, void> {
    this.interests.push(interest)
    const events = this.#events.subscribe(signal)
    yield { type: 'synced', model: MODEL_INFO }
    for await (const { event, taken } of events) {
      yield event
      taken() // asked for the next one: the one before was dealt with
    }
  }

  /** Resolves when the controller has dealt with the scores. */
  async push (...scores: Score[]): Promise<void> {
    await this.tell({ type: 'scores', scores })
  }

  /** Resolves when the controller has dealt with the event. */
  async tell (event: ScoreEvent): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#events.publish({ event, taken: () => resolve(undefined) })
    await promise
  }

  async explain (score: Score): ReturnType<ScoreSource['explain']> {
    await this.explaining(score)
    const evidence = FEATURES.map((feature, column) => ({ feature, value: score.window.features[column] ?? 0, usual: 0, contribution: feature === 'unique_ports' ? 0.9 : 0 }))
    return { evidence: evidence.sort((a, b) => b.contribution - a.contribution), path: [{ feature: 'unique_ports', left: 0.05 }], windows: [], counterfactual: null, nearest: null }
  }
}

/** Does what it is told to, and remembers what it was asked. */
export class FakeCarrier implements ErrandCarrier {
  readonly asked: Errand[] = []
  answer: (errand: Errand) => Outcome | Promise<Outcome> = () => ({ result: 'done', reason: 'Delivered', message: 'taken' })

  async attempt (errand: Errand): Promise<Outcome> {
    this.asked.push(errand)
    return this.answer(errand)
  }
}

/** Proxies that take what they are handed, until the test says otherwise. */
export class FakeFleet implements ProxyFleet {
  readonly applied: (readonly Mitigation[])[] = []
  readonly #listeners = new Set<(status: ProxyStatus) => void>()
  #statuses: readonly ProxyStatus[] = []
  onApply: () => void = () => undefined
  /** Whether anybody has told of proxies. */
  isHeard = true
  /** How often it was asked that. */
  asked = 0

  heard (): boolean {
    this.asked++
    return this.isHeard
  }

  apply (mitigations: readonly Mitigation[]): void {
    this.applied.push(mitigations)
    this.onApply()
  }

  /** Names that should hold now. */
  get inForce (): string[] {
    return this.applied.at(-1)?.map(({ metadata }) => metadata.name) ?? []
  }

  /** What the proxy of `u9` says; `others`: what those of other pods do, as far as it differs. */
  answer (state: ProxyStatus['state'], message = '', refused: ProxyStatus['refused'] = [], others: readonly (Partial<ProxyStatus> & Pick<ProxyStatus, 'podUid'>)[] = []): void {
    const status: ProxyStatus = { podUid: 'u9', connected: true, version: 'v1', state, message, mitigations: this.inForce, since: '2026-01-01T00:00:00.000Z', refused, taken: [], shortfalls: [], openConnections: {} }
    this.#statuses = [status, ...others.map((other) => ({ ...status, ...other }))]
    for (const listener of this.#listeners) listener(status)
  }

  statuses (): readonly ProxyStatus[] {
    return this.#statuses
  }

  snapshot (): null {
    return null
  }

  onChange (listener: (status: ProxyStatus) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => { this.#listeners.delete(listener) } }
  }
}

/** Pods that come and go as the test says. */
export class FakePods implements PodDirectory {
  readonly #table = new PodTable()
  readonly #listeners = new Set<() => void>()

  constructor (pods: readonly Pod[]) {
    for (const pod of pods) this.put(pod)
  }

  put (pod: Pod): void {
    this.#table.put({ ...pod, leaving: false })
    for (const listener of this.#listeners) listener()
  }

  remove (uid: string): void {
    this.#table.remove(uid)
    for (const listener of this.#listeners) listener()
  }

  byAddress = (address: string): Pod | null => this.#table.byAddress(address)
  byUid = (uid: string): Pod | null => this.#table.byUid(uid)
  list = (): readonly Pod[] => this.#table.list()

  onChange (listener: () => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => { this.#listeners.delete(listener) } }
  }
}

export class FakePolicy implements PolicySource {
  readonly name = 'policy.yaml'
  text: string

  constructor (text: string) {
    this.text = text
  }

  async read (): Promise<string> {
    return this.text
  }
}

/** Beats that the test gives; `beat` resolves when the beat was dealt with. */
export class FakeBeats {
  readonly #beats = new Broadcast<{ number: number, taken: () => void }>(1_000)
  #number = 0

  every = async function * (this: FakeBeats, _ms: number, signal: AbortSignal): AsyncGenerator<number, void> {
    for await (const { number, taken } of this.#beats.subscribe(signal)) {
      yield number
      taken()
    }
  }.bind(this)

  async beat (): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#beats.publish({ number: this.#number++, taken: () => resolve(undefined) })
    await promise
  }
}

export class CountedMetrics implements ControllerMetrics {
  readonly counted: string[] = []
  active = { enforced: 0, simulated: 0 }
  detection: ControllerMetrics['detection'] = (className, phase) => this.counted.push(`detection ${className} ${phase}`)
  decision: ControllerMetrics['decision'] = (verdict, reason) => this.counted.push(`decision ${verdict} ${reason}`)
  decisionSeconds: ControllerMetrics['decisionSeconds'] = () => undefined
  mitigations: ControllerMetrics['mitigations'] = (enforced, simulated) => { this.active = { enforced, simulated } }
  waiting = 0
  approvals: ControllerMetrics['approvals'] = (waiting) => { this.waiting = waiting }
  auditEntry: ControllerMetrics['auditEntry'] = () => undefined
  dropped: ControllerMetrics['dropped'] = (what, count) => { if (what === 'victim') this.counted.push(`dropped ${count} victim`) }
  models: ControllerMetrics['models'] = ({ current, shadow }) => this.counted.push(`models ${current} ${shadow ?? '-'}`)
  marked: ControllerMetrics['marked'] = (precision) => this.counted.push(`marked ${precision.map(({ confirmed, falseAlarms }) => `${confirmed}:${falseAlarms}`).join(' ')}`)
  modelRefused: ControllerMetrics['modelRefused'] = () => this.counted.push('model refused')
  detector: ControllerMetrics['detector'] = ({ forgedSent, refused }) => this.counted.push(`detector ${forgedSent} ${JSON.stringify(refused)}`)
  compared: ControllerMetrics['compared'] = (comparison) => this.counted.push(`compared ${comparison}`)
  drift: ControllerMetrics['drift'] = (namespace) => this.counted.push(`drift ${namespace}`)
  storeFailure: ControllerMetrics['storeFailure'] = () => this.counted.push('store failure')
  policyReload: ControllerMetrics['policyReload'] = (outcome) => this.counted.push(`policy ${outcome}`)
}
