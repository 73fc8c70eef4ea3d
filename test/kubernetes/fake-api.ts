import { isDeepStrictEqual } from 'node:util'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { KubernetesObject } from '../../src/core/kubernetes/object.ts'
import { phraseOf } from '../../src/core/kubernetes/path.ts'
import { isRecord, readObject } from '../../src/core/kubernetes/read-object.ts'
import { apiVersionOf, RESOURCES, type Resource } from '../../src/core/kubernetes/resource.ts'
import type { KubernetesApi, Scope, WatchEvent } from '../../src/ports/kubernetes.ts'
import { type Fields, leavesOf, merge, Ownership, without } from './fields.ts'
import { inScope } from './selectors.ts'

/** What a part under test asked of the API server. */
export interface RecordedCall {
  readonly verb: 'get' | 'list' | 'create' | 'replace' | 'apply' | 'remove' | 'watch' | 'text'
  /** Plural of the resource; the path of a text. */
  readonly resource: string
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: string
  readonly dryRun?: boolean
  readonly force?: boolean
  readonly fieldManager?: string
  readonly body?: unknown
}

interface Stored { object: KubernetesObject, readonly resource: Resource, readonly ownership: Ownership }
interface Watcher { readonly resource: Resource, readonly scope: Scope, readonly push: (event: WatchEvent) => void }
type WriteOptions = { force?: boolean, dryRun?: boolean, subresource?: string, fieldManager?: string }

/** Kinds whose status is written apart, and that count the generations of their spec. */
const WITH_STATUS = new Set<string>([RESOURCES.pods, RESOURCES.nodes, RESOURCES.namespaces, RESOURCES.services, RESOURCES.deployments, RESOURCES.replicaSets, RESOURCES.statefulSets, RESOURCES.daemonSets, RESOURCES.jobs, RESOURCES.mitigations, RESOURCES.threatPolicies, RESOURCES.exceptions, RESOURCES.meshPolicies].map(({ plural }) => plural))
/** Kinds that are questions: nothing is stored. */
const REVIEWS = new Set<string>([RESOURCES.tokenReviews.plural, RESOURCES.subjectAccessReviews.plural, RESOURCES.selfSubjectAccessReviews.plural])

/**
 * An API server in memory, held to the real one by `test/kubernetes/api-contract.ts`. It knows resource versions,
 * conflicts, server-side apply as merge with owned fields, status as a part of its own, selectors and watches; no
 * validation, no defaults, no garbage collection, and a namespace need not exist.
 */
export class FakeKubernetes implements KubernetesApi {
  readonly calls: RecordedCall[] = []
  /** Asked before each call but a watch; what it gives is thrown. */
  fault: ((call: RecordedCall) => Error | null) | null = null
  /** What `text` answers, by path. */
  readonly texts = new Map<string, string>()
  /** Answers creations that store nothing, by plural, or plural/subresource: reviews, evictions. */
  readonly answers = new Map<string, (object: KubernetesObject) => object>()
  readonly #objects = new Map<string, Stored>()
  readonly #watchers = new Set<Watcher>()
  readonly #now: () => number
  #version = 1_000
  #isCut = false

  constructor ({ now = Date.now }: { readonly now?: () => number } = {}) {
    this.#now = now
  }

  /** Puts an object as it is, status and all, as if the cluster had made it; fills in what every stored object has. */
  seed (resource: Resource, object: unknown): KubernetesObject {
    const { name, namespace } = nameOf(object)
    const before = this.#objects.get(keyOf(resource, name, namespace))
    const parsed = readObject(object, resource)
    return this.#store(resource, { ...parsed, metadata: { ...this.#born(before?.object), ...parsed.metadata } }, before?.ownership ?? new Ownership())
  }

  async get (resource: Resource, name: string, namespace?: string): Promise<KubernetesObject | null> {
    this.#record({ verb: 'get', resource: resource.plural, name, ...(namespace !== undefined && { namespace }) })
    return this.#objects.get(keyOf(resource, name, namespace))?.object ?? null
  }

  async list (resource: Resource, scope: Scope = {}): Promise<readonly KubernetesObject[]> {
    this.#record({ verb: 'list', resource: resource.plural, ...(scope.namespace !== undefined && { namespace: scope.namespace }) })
    return this.#listed(resource, scope)
  }

  async create (resource: Resource, object: unknown, options: Pick<WriteOptions, 'dryRun' | 'subresource'> = {}): Promise<KubernetesObject> {
    const { name, namespace } = nameOf(object)
    this.#record({ verb: 'create', resource: resource.plural, name, ...(namespace !== undefined && { namespace }), ...options, body: object })
    const { subresource, dryRun } = options
    if (subresource !== undefined || REVIEWS.has(resource.plural)) {
      const asked = readObject(object, resource)
      const answer = this.answers.get(subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`)
      return readObject(answer?.(asked) ?? asked, resource)
    }
    if (this.#objects.has(keyOf(resource, name, namespace))) {
      throw new AutoshieldError('CONFLICT', `${phraseOf(resource, { name, namespace })} already exists`)
    }
    const parsed = readObject(object, resource)
    const { status, ...rest } = parsed
    const kept: KubernetesObject = status === undefined || WITH_STATUS.has(resource.plural) ? { ...rest, ...typeOf(resource), metadata: parsed.metadata } : parsed
    const ownership = new Ownership()
    ownership.written('update', new Map(), ownable(kept))
    return this.#store(resource, { ...kept, metadata: { ...kept.metadata, ...this.#born(undefined, WITH_STATUS.has(resource.plural)) } }, ownership, dryRun)
  }

  async replace (resource: Resource, object: KubernetesObject, { subresource }: { subresource?: string } = {}): Promise<KubernetesObject> {
    const { name, namespace, resourceVersion } = object.metadata
    this.#record({ verb: 'replace', resource: resource.plural, name, ...(namespace !== undefined && { namespace }), ...(subresource !== undefined && { subresource }), body: object })
    const stored = this.#objects.get(keyOf(resource, name, namespace))
    if (stored === undefined) throw new AutoshieldError('NOT_FOUND', `there is no ${phraseOf(resource, { name, namespace })}`)
    if (resourceVersion !== undefined && resourceVersion !== stored.object.metadata.resourceVersion) {
      throw new AutoshieldError('CONFLICT', `${phraseOf(resource, { name, namespace })} has been modified`)
    }
    const next = this.#partOf(resource, stored.object, { ...object }, subresource)
    stored.ownership.written('update', ownable(stored.object), ownable(next))
    return this.#store(resource, this.#aged(resource, stored.object, next), stored.ownership)
  }

  async apply (resource: Resource, object: unknown, options: WriteOptions = {}): Promise<KubernetesObject> {
    const { name, namespace } = nameOf(object)
    this.#record({ verb: 'apply', resource: resource.plural, name, ...(namespace !== undefined && { namespace }), ...options, body: object })
    const { force = false, dryRun = false, subresource, fieldManager = 'autoshield' } = options
    const stored = this.#objects.get(keyOf(resource, name, namespace))
    if (stored === undefined && subresource !== undefined) throw new AutoshieldError('NOT_FOUND', `there is no ${phraseOf(resource, { name, namespace })}`)
    const manager = `apply:${fieldManager}:${subresource ?? ''}`
    const wanted = this.#partOf(resource, {}, isRecord(object) ? object : {}, subresource)
    const applied = ownable(wanted)
    const before = stored?.object ?? readObject({ metadata: { name, ...(namespace !== undefined && { namespace }) } }, resource)
    const current = ownable(before)
    const ownership = stored?.ownership ?? new Ownership()
    const conflicts = ownership.conflicts(manager, applied, current)
    if (conflicts.length > 0 && !force) {
      throw new AutoshieldError('CONFLICT', `Apply failed with ${conflicts.length} conflict on ${phraseOf(resource, { name, namespace })}: ${conflicts.join(', ')}`)
    }
    if (dryRun) return readObject(merge(before, wanted), resource)
    const dropped = ownership.take(manager, applied, current)
    const next = readObject(without(merge(before, wanted), dropped), resource)
    if (stored !== undefined) return this.#store(resource, this.#aged(resource, before, next), ownership)
    return this.#store(resource, { ...next, metadata: { ...next.metadata, ...this.#born(undefined, WITH_STATUS.has(resource.plural)) } }, ownership)
  }

  async remove (resource: Resource, name: string, { namespace, uid }: { namespace?: string, uid?: string } = {}): Promise<boolean> {
    this.#record({ verb: 'remove', resource: resource.plural, name, ...(namespace !== undefined && { namespace }) })
    const stored = this.#objects.get(keyOf(resource, name, namespace))
    if (stored === undefined) return false
    const { metadata } = stored.object
    if (uid !== undefined && uid !== metadata.uid) throw new AutoshieldError('CONFLICT', `${phraseOf(resource, { name, namespace })} has another uid`)
    if ((metadata.finalizers ?? []).length === 0) this.#forget(stored)
    else this.#store(resource, { ...stored.object, metadata: { ...metadata, deletionTimestamp: new Date(this.#now()).toISOString() } }, stored.ownership)
    return true
  }

  watch (resource: Resource, scope: Scope, signal: AbortSignal): AsyncIterable<WatchEvent>
  watch<T> (resource: Resource, scope: Scope, signal: AbortSignal, read: (object: KubernetesObject) => T): AsyncIterable<WatchEvent<T>>
  watch (resource: Resource, scope: Scope, signal: AbortSignal, read: (object: KubernetesObject) => unknown = (object) => object): AsyncIterable<WatchEvent<unknown>> {
    return this.#follow(resource, scope, signal, read)
  }

  async * #follow (resource: Resource, scope: Scope, signal: AbortSignal, read: (object: KubernetesObject) => unknown): AsyncGenerator<WatchEvent<unknown>, void, undefined> {
    this.calls.push({ verb: 'watch', resource: resource.plural })
    const queue: WatchEvent[] = [this.#synced(resource, scope)]
    let wake = Promise.withResolvers<undefined>()
    const rouse = () => wake.resolve(undefined)
    const watcher: Watcher = { resource, scope, push: (event) => { if (!this.#isCut) queue.push(event); rouse() } }
    this.#watchers.add(watcher)
    signal.addEventListener('abort', rouse)
    try {
      while (!signal.aborted) {
        const event = queue.shift()
        if (event === undefined) {
          await wake.promise
          wake = Promise.withResolvers()
        } else if (event.type === 'synced') yield { ...event, objects: event.objects.map(read) }
        else yield { type: event.type, object: read(event.object) }
      }
    } finally {
      this.#watchers.delete(watcher)
      signal.removeEventListener('abort', rouse)
    }
  }

  /** From here on watches see nothing. */
  cut (): void {
    this.#isCut = true
  }

  /** As after 410 Gone: every watch begins anew with all there is. */
  resync (): void {
    this.#isCut = false
    for (const { resource, scope, push } of this.#watchers) push(this.#synced(resource, scope))
  }

  async text (path: string): Promise<string> {
    this.#record({ verb: 'text', resource: path })
    const text = this.texts.get(path)
    if (text === undefined) throw new AutoshieldError('NOT_FOUND', `there is no ${path}`)
    return text
  }

  #record (call: RecordedCall): void {
    this.calls.push(call)
    const fault = this.fault?.(call) ?? null
    if (fault !== null) throw fault
  }

  #synced (resource: Resource, scope: Scope): WatchEvent {
    return { type: 'synced', objects: this.#listed(resource, scope), resourceVersion: String(this.#version) }
  }

  #listed (resource: Resource, scope: Scope): KubernetesObject[] {
    return [...this.#objects.values()].filter((stored) => sameKind(stored.resource, resource) && inScope(stored.object, scope)).map(({ object }) => object)
  }

  /** What a write may change: status by its own subresource alone, and everything else without it. */
  #partOf (resource: Resource, before: Fields, object: Fields, subresource: string | undefined): KubernetesObject {
    if (!WITH_STATUS.has(resource.plural)) return readObject({ ...typeOf(resource), ...object }, resource)
    const { status: _, ...rest } = subresource === undefined ? object : before
    const { status } = subresource === undefined ? before : object
    return readObject({ ...typeOf(resource), ...rest, metadata: rest['metadata'] ?? { name: nameOf(object).name }, ...(status !== undefined && { status }) }, resource)
  }

  #born (before: KubernetesObject | undefined, counts = false): Fields {
    if (before !== undefined) return { ...before.metadata }
    return { uid: `uid-${this.#version + 1}`, creationTimestamp: new Date(this.#now()).toISOString(), ...(counts && { generation: 1 }) }
  }

  /** Metadata that the API server keeps through writes, and the generation where more than metadata and status changed. */
  #aged (resource: Resource, before: KubernetesObject, next: KubernetesObject): KubernetesObject {
    const { uid, creationTimestamp, generation, deletionTimestamp, resourceVersion } = before.metadata
    const changed = WITH_STATUS.has(resource.plural) && !isDeepStrictEqual({ ...before, metadata: null, status: null }, { ...next, metadata: null, status: null })
    const kept = { uid, creationTimestamp, generation: generation !== undefined && changed ? generation + 1 : generation, deletionTimestamp, resourceVersion }
    return { ...next, metadata: { ...next.metadata, ...Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) } }
  }

  #store (resource: Resource, object: KubernetesObject, ownership: Ownership, dryRun = false): KubernetesObject {
    const key = keyOf(resource, object.metadata.name, object.metadata.namespace)
    const before = this.#objects.get(key)
    if (before !== undefined && isDeepStrictEqual(before.object, object)) return before.object
    const stored: Stored = { resource, ownership, object: structuredClone({ ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } }) }
    if (dryRun) return stored.object
    if (stored.object.metadata.deletionTimestamp !== undefined && (stored.object.metadata.finalizers ?? []).length === 0) {
      this.#forget(stored)
      return stored.object
    }
    this.#objects.set(key, stored)
    for (const watcher of this.#watchers) {
      if (!sameKind(watcher.resource, resource)) continue
      if (inScope(stored.object, watcher.scope)) watcher.push({ type: 'put', object: stored.object })
      else if (before !== undefined && inScope(before.object, watcher.scope)) watcher.push({ type: 'gone', object: stored.object })
    }
    return stored.object
  }

  #forget ({ resource, object: last }: Stored): void {
    this.#objects.delete(keyOf(resource, last.metadata.name, last.metadata.namespace))
    const object = { ...last, metadata: { ...last.metadata, resourceVersion: String(++this.#version) } }
    for (const watcher of this.#watchers) if (sameKind(watcher.resource, resource) && inScope(object, watcher.scope)) watcher.push({ type: 'gone', object })
  }
}

const typeOf = (resource: Resource): { apiVersion: string, kind: string } => ({ apiVersion: apiVersionOf(resource), kind: resource.kind })
const keyOf = ({ plural, group }: Resource, name: string, namespace = ''): string => `${plural}.${group}/${namespace}/${name}`
const sameKind = (a: Resource, b: Resource): boolean => a.plural === b.plural && a.group === b.group

function nameOf (object: unknown): { name: string, namespace?: string } {
  const metadata = isRecord(object) && isRecord(object['metadata']) ? object['metadata'] : {}
  const { name, namespace } = metadata
  return { name: typeof name === 'string' ? name : '', ...(typeof namespace === 'string' && { namespace }) }
}

/** The fields that somebody owns: all but what names the object and what the API server itself keeps. */
function ownable (object: KubernetesObject): ReadonlyMap<string, unknown> {
  const { apiVersion: _a, kind: _k, metadata, ...rest } = object
  const { labels, annotations, finalizers, ownerReferences } = metadata
  const owned = Object.fromEntries(Object.entries({ labels, annotations, finalizers, ownerReferences }).filter(([, value]) => value !== undefined))
  const fields = { ...rest, ...(Object.keys(owned).length > 0 && { metadata: owned }) }
  return Object.keys(fields).length === 0 ? new Map() : leavesOf(fields)
}
