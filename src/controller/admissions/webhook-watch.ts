import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { boundEntry } from '../../core/admission/bounds.ts'
import type { AdmissionEntry } from '../../core/admission/entry.ts'
import { FINDINGS } from '../../core/admission/finding.ts'
import { LABELS, MANAGED_BY } from '../../core/injection/names.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { apiVersionOf, RESOURCES, type Resource } from '../../core/kubernetes/resource.ts'
import type { Clock } from '../../ports/clock.ts'
import type { KubernetesApi, WatchEvent } from '../../ports/kubernetes.ts'
import type { Checkpoints } from '../../ports/object-store.ts'
import { BoundedMap } from './bounded-map.ts'
import { atEachBeat, type Every } from './beats.ts'
import type { Keep } from './held-records.ts'
import { isForeign, versionOf, type Version } from './foreign-change.ts'

/** Who changed what, from the API server's own audit log. */
export interface WhoChanged {
  /** Null where the log does not say, or does not say yet. */
  whoChanged: (what: { readonly plural: string, readonly name: string, readonly deleted: boolean, readonly sinceMs: number }) => { readonly user: string, readonly groups: readonly string[] } | null
}

export interface WebhookWatchParts {
  readonly api: KubernetesApi
  readonly keep: Keep
  readonly checkpoints: Checkpoints
  readonly clock: Clock
  readonly every: Every
  /** Absent where no audit log is given: then the user stays unknown. */
  readonly auditLog?: WhoChanged
  /** Whether the object is as AutoShield wants it; absent, the field managers alone decide who wrote it. */
  readonly isAsWanted?: (object: KubernetesObject) => boolean
}

/** A change that waits for the audit log to name its user. */
interface Unattributed {
  readonly entry: AdmissionEntry
  readonly plural: string
  readonly sinceMs: number
  readonly untilMs: number
}

const CHECKPOINT = 'admission-webhooks'
const Saved = Compile(Type.Object({
  known: Type.Record(Type.String(), Type.Object({ uid: Type.String(), generation: Type.Number(), managers: Type.Record(Type.String(), Type.String()) })),
}))
type Saved = Static<typeof Saved>

const WATCHED = [RESOURCES.mutatingWebhooks, RESOURCES.validatingWebhooks]
const BEAT_MS = 1_000
/** The API server writes its log when the response is complete, in batches of up to a second; clocks of machines differ. */
const LOG_LAG_MS = 10_000
const MAX_UNATTRIBUTED = 200

/**
 * Watches AutoShield's own webhook configurations, which Kubernetes keeps from every webhook: whoever changes or deletes
 * one by hand is on record. What happened while nobody watched is seen at the next start, against what was last known.
 */
export class WebhookWatch {
  readonly #parts: WebhookWatchParts
  readonly #known = new Map<string, Version>()
  /** Every configuration that was ever ours in this run: its deletion is told here, too. */
  readonly #covered = new BoundedMap<string, true>(MAX_UNATTRIBUTED)
  #unattributed: Unattributed[] = []

  constructor (parts: WebhookWatchParts) {
    this.#parts = parts
  }

  /** Whether this watch answers for the configuration of that name. */
  covers (plural: string, name: string): boolean {
    return this.#covered.has(keyOf(plural, name))
  }

  async run (signal: AbortSignal): Promise<void> {
    const saved = this.#parts.checkpoints.load(CHECKPOINT)
    if (Saved.Check(saved)) {
      for (const [key, version] of Object.entries(saved.known)) {
        this.#known.set(key, version)
        this.#covered.set(key, true)
      }
    }
    await Promise.all([...WATCHED.map(async (resource) => this.#follow(resource, signal)), this.#attribute(signal)])
  }

  async #follow (resource: Resource, signal: AbortSignal): Promise<void> {
    const { api, checkpoints } = this.#parts
    for await (const event of api.watch(resource, { labelSelector: `${LABELS.managedBy}=${MANAGED_BY}` }, signal)) {
      if (!this.#hear(resource, event)) continue
      await checkpoints.save(CHECKPOINT, { known: Object.fromEntries(this.#known) } satisfies Saved).catch(() => undefined) // saved with the next change; without it, one may be told twice
    }
  }

  /** True where what is known has changed. */
  #hear (resource: Resource, event: WatchEvent): boolean {
    switch (event.type) {
      case 'put': return this.#put(resource, event.object)
      case 'gone': return this.#gone(resource, event.object.metadata.name, event.object.metadata.resourceVersion)
      case 'synced': {
        const present = new Set(event.objects.map(({ metadata }) => keyOf(resource.plural, metadata.name)))
        const missing = [...this.#known].filter(([key]) => key.startsWith(`${resource.plural}/`) && !present.has(key))
        const gone = missing.map(([key]) => this.#gone(resource, key.slice(resource.plural.length + 1)))
        return [...gone, ...event.objects.map((object) => this.#put(resource, object))].includes(true)
      }
    }
  }

  #put (resource: Resource, object: KubernetesObject): boolean {
    const key = keyOf(resource.plural, object.metadata.name)
    const [before, after] = [this.#known.get(key), versionOf(object)]
    this.#known.set(key, after)
    this.#covered.set(key, true)
    if (before === undefined) return true
    if (before.uid !== after.uid) { // deleted and made anew while nobody watched
      this.#tell(resource, 'DELETE', object.metadata.name, before, `replaced:${after.uid}`)
      return true
    }
    const { isAsWanted } = this.#parts
    // Whoever takes our field manager's name is found by what the object says.
    const foreign = isForeign(before, after) || (before.generation !== after.generation && isAsWanted?.(object) === false)
    if (foreign) this.#tell(resource, 'UPDATE', object.metadata.name, after, String(after.generation))
    return before.generation !== after.generation
  }

  /** A configuration that loses its label and gets it back can go twice: its resource version tells the times apart. */
  #gone (resource: Resource, name: string, resourceVersion = 'unwatched'): boolean {
    const before = this.#known.get(keyOf(resource.plural, name))
    this.#known.delete(keyOf(resource.plural, name))
    if (before !== undefined) this.#tell(resource, 'DELETE', name, before, `gone:${before.generation}:${resourceVersion}`)
    return before !== undefined
  }

  #tell (resource: Resource, operation: 'UPDATE' | 'DELETE', name: string, { uid }: Version, change: string): void {
    const { clock, auditLog, keep } = this.#parts
    const atMs = clock.now()
    const entry = boundEntry({
      review: `watch:${uid}:${change}`,
      at: new Date(atMs).toISOString(),
      user: '',
      groups: [],
      operation,
      resource: `${apiVersionOf(resource)}/${resource.plural}`,
      namespace: '',
      name,
      uid,
      mode: 'audit',
      allowed: true,
      findings: [{
        code: 'WebhookChanged',
        severity: FINDINGS.WebhookChanged.severity,
        message: `${resource.kind} ${name} was ${operation === 'DELETE' ? 'deleted' : 'changed'} by somebody else than AutoShield: new pods may go unobserved and changes unseen until the controller puts it back; find out who may write it.`,
      }],
      injection: null,
      seenBy: 'watch',
    })
    if (auditLog === undefined || this.#unattributed.length >= MAX_UNATTRIBUTED) keep([{ entry, origin: null }])
    else this.#unattributed.push({ entry, plural: resource.plural, sinceMs: atMs - LOG_LAG_MS, untilMs: atMs + LOG_LAG_MS })
  }

  /** Gives each change its user once the audit log has named one, or without after a while; at the stop, all at once. */
  async #attribute (signal: AbortSignal): Promise<void> {
    const { every, clock } = this.#parts
    await atEachBeat(every, BEAT_MS, signal, () => this.#settle(clock.now()))
    this.#settle(Infinity)
  }

  #settle (nowMs: number): void {
    const { auditLog, keep } = this.#parts
    this.#unattributed = this.#unattributed.filter(({ entry, plural, sinceMs, untilMs }) => {
      const who = auditLog?.whoChanged({ plural, name: entry.name, deleted: entry.operation === 'DELETE', sinceMs }) ?? null
      if (who === null && nowMs < untilMs) return true
      keep([{ entry: boundEntry({ ...entry, ...who === null ? {} : { user: who.user, groups: [...who.groups] } }), origin: null }])
      return false
    })
  }
}

const keyOf = (plural: string, name: string): string => `${plural}/${name}`
