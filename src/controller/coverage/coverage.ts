import { judgePod, type CoverageState, type PodCoverage } from '../../core/coverage/judge-pod.ts'
import { slimPod } from '../../core/coverage/slim-pod.ts'
import { AutoshieldError } from '../../core/errors.ts'
import { parseSpiffeId } from '../../core/identity.ts'
import type { DecideInjection } from '../../core/injection/decision.ts'
import { LABELS, MANAGED_BY } from '../../core/injection/names.ts'
import type { InjectionContext } from '../../core/injection/settings.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { Clock } from '../../ports/clock.ts'
import type { NamespaceDirectory } from '../../ports/directories.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import type { Reporters } from '../../ports/scores.ts'
import type { Log } from '../log.ts'
import { missedEvent } from './missed-event.ts'

export interface CoverageMetrics {
  /** Pods in each state now. */
  pods: (state: CoverageState, count: number) => void
}

export interface CoverageOptions {
  readonly api: KubernetesApi
  readonly namespaces: NamespaceDirectory
  readonly decide: DecideInjection
  /** Null while nothing can be injected. */
  readonly context: () => InjectionContext | null
  readonly templateHash: (context: InjectionContext) => string
  readonly reporters: Reporters
  /** Where the report is kept. */
  readonly ownNamespace: string
  readonly every: (ms: number, signal: AbortSignal) => AsyncIterable<number>
  readonly clock: Clock
  readonly metrics: CoverageMetrics
  readonly log: Log
}

/** Name of the ConfigMap that says which observers are silent; only the controller can know that. */
export const COVERAGE_REPORT = 'autoshield-coverage'
const BEAT_MS = 5_000
/** Events name at most so many missed pods at each look; the next look names the others. */
const EVENTS_A_BEAT = 50
/** At 37 bytes each 740 kB, of the mebibyte that a ConfigMap holds; beyond this the report says how many more there are. */
const MAX_REPORTED = 20_000
const MAX_REMEMBERED = 20_000

/**
 * Finds of each pod that somebody asked to have observed whether it is: what the webhook missed while it was away is
 * found here afterwards, and said in an Event on the pod. It holds nothing that cannot be found again.
 */
export class Coverage {
  readonly #options: CoverageOptions
  readonly #pods = new Map<string, KubernetesObject>()
  /** Uids of the missed pods that have their Event. */
  readonly #told = new Set<string>()
  /** Namespaces that took no Event at the last try: asked after all others, so that they keep nobody waiting. */
  readonly #refusing = new Set<string>()
  /** What the detector said when it was last asked and did not answer; empty while it answers. */
  #trouble = ''
  #synced = false
  #rows: readonly PodCoverage[] = []

  constructor (options: CoverageOptions) {
    this.#options = options
  }

  /** As of the last look; empty before the first. */
  rows (): readonly PodCoverage[] {
    return this.#rows
  }

  async run (signal: AbortSignal): Promise<void> {
    const following = this.#follow(signal)
    for await (const beat of this.#options.every(BEAT_MS, signal)) {
      await this.look().catch((error: unknown) => this.#options.log.warn({ beat, error: AutoshieldError.from(error).message }, 'the coverage could not be told'))
    }
    await following
  }

  /** Looks at every pod once. Throws where the API server does not take the report, or does not answer; missed pods are told all the same. */
  async look (): Promise<void> {
    const { namespaces, decide, templateHash, clock, metrics } = this.#options
    const context = this.#options.context()
    if (!this.#synced || !namespaces.ready() || context === null) return
    const facts = { decide, context, template: templateHash(context), reporting: await this.#reporting(), nowMs: clock.now() }
    this.#rows = [...this.#pods.values()].flatMap((pod) => judgePod(pod, namespaces.byName(pod.metadata.namespace ?? ''), facts) ?? [])
    const counts = new Map<CoverageState, number>([['observed', 0], ['starting', 0], ['silent', 0], ['stale', 0], ['missed', 0], ['skipped', 0]])
    for (const { state } of this.#rows) counts.set(state, (counts.get(state) ?? 0) + 1)
    for (const [state, count] of counts) metrics.pods(state, count)
    try {
      await this.#report()
    } finally {
      await this.#tell(this.#rows.filter(({ state }) => state === 'missed'))
    }
  }

  async #follow (signal: AbortSignal): Promise<void> {
    for await (const event of this.#options.api.watch(RESOURCES.pods, {}, signal, slimPod)) {
      switch (event.type) {
        case 'synced':
          this.#pods.clear()
          for (const pod of event.objects) this.#pods.set(pod.metadata.uid ?? '', pod)
          this.#synced = true
          break
        case 'put':
          this.#pods.set(event.object.metadata.uid ?? '', event.object)
          break
        case 'gone':
          this.#pods.delete(event.object.metadata.uid ?? '')
      }
    }
  }

  /** Null where the detector does not say: then a running observer counts as one that reports. */
  async #reporting (): Promise<ReadonlySet<string> | null> {
    try {
      const identities = await this.#options.reporters.reporters()
      this.#trouble = ''
      return new Set([...identities].flatMap((identity) => parseSpiffeId(identity)?.uid ?? []))
    } catch (error) {
      const { message } = AutoshieldError.from(error)
      if (message !== this.#trouble) this.#options.log.warn({ error: message }, 'the detector does not say which observers report; those that run count as if they did')
      this.#trouble = message
      return null
    }
  }

  /** A namespace may refuse Events (a quota, a policy, its end); that is its own matter. */
  async #tell (missed: readonly PodCoverage[]): Promise<void> {
    const namespaces = new Set(missed.map(({ namespace }) => namespace))
    for (const namespace of this.#refusing) if (!namespaces.has(namespace)) this.#refusing.delete(namespace)
    const untold = missed.filter(({ uid }) => !this.#told.has(uid))
    const refused = new Set<string>()
    let tries = EVENTS_A_BEAT
    for (const pod of [...untold.filter((pod) => !this.#refusing.has(pod.namespace)), ...untold.filter((pod) => this.#refusing.has(pod.namespace))]) {
      if (refused.has(pod.namespace)) continue
      if (tries-- === 0) break
      if (!await this.#tellOf(pod)) refused.add(pod.namespace)
    }
  }

  /** False where the namespace takes no Event. Throws UNAVAILABLE where the API server does not answer. */
  async #tellOf (pod: PodCoverage): Promise<boolean> {
    const { api, clock, log } = this.#options
    try {
      await api.create(RESOURCES.events, missedEvent(pod, clock.now()))
    } catch (thrown) {
      const error = AutoshieldError.from(thrown)
      if (error.code === 'UNAVAILABLE') throw error
      if (error.code !== 'CONFLICT') { // else it has its Event from before a restart
        if (!this.#refusing.has(pod.namespace)) log.warn({ namespace: pod.namespace, pod: pod.name, error: error.message }, 'a namespace takes no Event: its missed pods are in `autoshield coverage` alone')
        this.#refusing.add(pod.namespace)
        return false
      }
    }
    this.#refusing.delete(pod.namespace)
    if (this.#told.size >= MAX_REMEMBERED) this.#told.clear() // told again: the Event's name is the same
    this.#told.add(pod.uid)
    log.warn({ namespace: pod.namespace, pod: pod.name, uid: pod.uid }, 'a pod was created without its observer')
    return true
  }

  async #report (): Promise<void> {
    const { api, ownNamespace, clock } = this.#options
    const silent = this.#rows.filter(({ state }) => state === 'silent').map(({ uid }) => uid)
    await api.apply(RESOURCES.configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: COVERAGE_REPORT, namespace: ownNamespace, labels: { [LABELS.managedBy]: MANAGED_BY } },
      data: { at: new Date(clock.now()).toISOString(), silent: silent.slice(0, MAX_REPORTED).join(' '), more: String(Math.max(0, silent.length - MAX_REPORTED)) },
    }, { force: true })
  }
}
