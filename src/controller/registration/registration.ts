import { AutoshieldError } from '../../core/errors.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { backoffMs } from '../../core/backoff.ts'
import type { Clock } from '../../ports/clock.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import type { Log } from '../log.ts'
import { Wake } from '../wake.ts'
import { ClusterView, RESOURCE_OF } from './cluster-view.ts'
import { hasAdditions, isOurs, lastOtherManager, saysAllOf, saysTheSame } from './configuration.ts'
import { Dispute } from './dispute.ts'
import type { RegistrationMetrics } from './metrics.ts'
import { ownerReferences } from './owner.ts'
import { registrationName, registrationObjects, type RegistrationSettings, type WebhookConfiguration } from './registration-objects.ts'
import { REGISTERED, type Registered, type RegistrationState } from './state.ts'

export interface RegistrationOptions {
  readonly api: KubernetesApi
  readonly settings: RegistrationSettings
  /** PEM of every authority that may have signed the serving certificate, the old root and the new; null while there is none. Read at each beat. */
  readonly bundle: () => string | null
  readonly every: (ms: number, signal: AbortSignal) => AsyncIterable<number>
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly metrics: RegistrationMetrics
  readonly log: Log
}

const BEAT_MS = 1_000
const RETRY = { baseMs: 1_000, maxMs: 60_000 }

/** What the API server made of our last write, and from which bundle. */
interface Settled { readonly bundle: string, readonly object: KubernetesObject }

/**
 * Keeps the webhooks of one revision registered as they should be, and is the only one who does: nothing is rendered in
 * the chart, so that no tool has another opinion of the caBundle.
 *
 * - The first registration waits for a certificate and for a replica that is ready: one that nobody answers costs every
 *   creation of a pod a time-out. Later the webhooks stay, even with no replica left: a Service without endpoints is
 *   refused at once, the API server counts what it let pass (its fail-open metrics are how a gap is told), and taking them
 *   away and back at each restart would miss more pods than it saves time.
 * - What is deleted or changed by somebody else is put right, at the pace of a Dispute.
 * - They are owned by the ClusterRole that lets us write them (owner.ts), so that they go with the installation.
 * - The annotation `autoshield.dev/webhooks: off` on our namespace takes them away, and keeps them away until it is gone.
 */
export class Registration {
  readonly #options: RegistrationOptions
  readonly #view: ClusterView
  readonly #news = new Wake()
  readonly #settled = new Map<Registered, Settled>()
  readonly #disputes: Readonly<Record<Registered, Dispute>>
  #state: RegistrationState = { kind: 'waiting', why: 'the cluster was not seen yet' }
  #failures = 0
  #retryMs = 0

  constructor (options: RegistrationOptions) {
    this.#options = options
    this.#view = new ClusterView(options.api, options.settings, () => this.#news.ring())
    this.#disputes = { mutating: new Dispute(options.random), validating: new Dispute(options.random) }
  }

  state (): RegistrationState {
    return this.#state
  }

  /** Whether a configuration of ours is what we would make it; true while nothing is known to compare with. */
  isAsWanted (object: KubernetesObject): boolean {
    const { settings } = this.#options
    const bundle = this.#options.bundle()
    if (bundle === null || object.metadata.name !== registrationName(settings.revision)) return true
    const { mutating, validating } = registrationObjects(settings, bundle)
    return saysAllOf(object, object.kind === mutating.kind ? mutating : validating)
  }

  /** Until the signal aborts; the webhooks stay registered then, for a restart of the controller must not miss a pod. */
  async run (signal: AbortSignal): Promise<void> {
    const { every, metrics } = this.#options
    metrics.state(this.#state.kind)
    const viewing = this.#view.run(signal)
    const beating = this.#beat(every(BEAT_MS, signal))
    while (await this.#news.next(signal)) await this.#look()
    await Promise.all([beating, viewing])
  }

  async #beat (beats: AsyncIterable<number>): Promise<void> {
    const beating = beats[Symbol.asyncIterator]()
    while ((await beating.next()).done !== true) this.#news.ring()
  }

  async #look (): Promise<void> {
    const { clock, random, metrics } = this.#options
    if (clock.now() < this.#retryMs) return
    try {
      this.#become(await this.#reconcile())
      this.#failures = 0
    } catch (thrown) {
      const { code, message } = AutoshieldError.from(thrown)
      this.#retryMs = clock.now() + backoffMs(this.#failures++, random(), RETRY)
      metrics.failed(code)
      this.#become({ kind: 'failed', message })
    }
    for (const webhook of REGISTERED) {
      const seen = this.#view.configuration(webhook)
      metrics.registered(webhook, seen !== null && isOurs(seen))
    }
  }

  async #reconcile (): Promise<RegistrationState> {
    if (!this.#view.synced) return { kind: 'waiting', why: 'the cluster was not seen yet' }
    if (this.#view.off) return this.#remove()
    const bundle = this.#options.bundle()
    if (bundle === null) return { kind: 'waiting', why: 'there is no certificate for the webhook yet' }
    if (!this.#view.answered && REGISTERED.some((webhook) => this.#view.configuration(webhook) === null)) {
      return { kind: 'waiting', why: 'no replica of the webhook is ready' }
    }
    const objects = registrationObjects(this.#options.settings, bundle)
    const states = await Promise.all(REGISTERED.map(async (webhook) => this.#keep(webhook, objects[webhook], bundle)))
    return states.find(({ kind }) => kind !== 'registered') ?? { kind: 'registered' }
  }

  /** Level-based: whatever is there becomes what is wanted. */
  async #keep (webhook: Registered, wanted: WebhookConfiguration, bundle: string): Promise<RegistrationState> {
    const { api, clock, metrics, log } = this.#options
    const settled = this.#settled.get(webhook)
    const dispute = this.#disputes[webhook]
    const seen = this.#view.configuration(webhook)
    if (settled?.bundle === bundle && seen !== null && saysTheSame(seen, settled.object)) return this.#verdict(webhook, seen)
    // The watch may lag behind our own write, so look before saying that somebody else wrote.
    const found = await api.get(RESOURCE_OF[webhook], wanted.metadata.name)
    if (found !== null && !isOurs(found)) return { kind: 'foreign', name: wanted.metadata.name }
    if (settled !== undefined && (found === null || !saysTheSame(found, settled.object))) {
      if (clock.now() < dispute.dueMs()) return this.#verdict(webhook, found)
      const change = found === null ? 'deleted' : 'changed'
      dispute.corrected(clock.now())
      metrics.corrected(webhook, change)
      log.warn({ webhook, change, by: found === null ? null : lastOtherManager(found) }, 'somebody else changed the registration of the webhooks; it is put right')
    } else if (settled?.bundle === bundle) {
      return this.#verdict(webhook, found)
    }
    this.#settled.set(webhook, { bundle, object: await this.#write(webhook, wanted) })
    return this.#verdict(webhook, found)
  }

  async #write (webhook: Registered, wanted: WebhookConfiguration): Promise<KubernetesObject> {
    const { api, settings: { ownNamespace } } = this.#options
    const owned = { ...wanted, metadata: { ...wanted.metadata, ownerReferences: await ownerReferences(api, ownNamespace) } }
    const applied = await api.apply(RESOURCE_OF[webhook], owned, { force: true })
    return hasAdditions(applied, wanted) ? api.replace(RESOURCE_OF[webhook], { ...applied, webhooks: wanted.webhooks }) : applied
  }

  #verdict (webhook: Registered, found: KubernetesObject | null): RegistrationState {
    if (!this.#disputes[webhook].contested(this.#options.clock.now())) return { kind: 'registered' }
    return { kind: 'contested', by: found === null ? 'somebody who deletes it' : lastOtherManager(found) }
  }

  async #remove (): Promise<RegistrationState> {
    const { api, settings } = this.#options
    this.#settled.clear()
    for (const webhook of REGISTERED) {
      const seen = this.#view.configuration(webhook)
      if (seen === null || !isOurs(seen)) continue
      await api.remove(RESOURCE_OF[webhook], registrationName(settings.revision), seen.metadata.uid === undefined ? {} : { uid: seen.metadata.uid })
    }
    return { kind: 'off' }
  }

  /** Says what changed, once. */
  #become (state: RegistrationState): void {
    const { metrics, log, settings } = this.#options
    const before = this.#state
    this.#state = state
    if (before.kind === state.kind && textOf(before) === textOf(state)) return
    metrics.state(state.kind)
    const level = state.kind === 'failed' || state.kind === 'contested' || state.kind === 'foreign' ? 'error' : 'info'
    log[level]({ revision: settings.revision, state: state.kind }, textOf(state))
  }
}

function textOf (state: RegistrationState): string {
  switch (state.kind) {
    case 'waiting': return `the webhooks are not registered yet: ${state.why}`
    case 'off': return 'the webhooks are switched off by the annotation autoshield.dev/webhooks on our namespace; remove it to have pods observed again'
    case 'registered': return 'the webhooks are registered'
    case 'contested': return `the registration of the webhooks is changed again and again by ${state.by}; stop it there (a GitOps tool that prunes or heals must leave this object alone)`
    case 'foreign': return `the webhook configuration ${state.name} has not our label app.kubernetes.io/managed-by=autoshield, so it is left alone; delete or rename it`
    case 'failed': return `the webhooks could not be registered: ${state.message}`
  }
}
