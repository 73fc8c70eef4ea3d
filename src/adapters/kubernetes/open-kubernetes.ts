import { FIELD_MANAGER } from '../../core/injection/names.ts'
import type { AutoshieldError } from '../../core/errors.ts'
import { apiVersionOf, type Resource } from '../../core/kubernetes/resource.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { pathOf } from '../../core/kubernetes/path.ts'
import { isRecord, readObject } from '../../core/kubernetes/read-object.ts'
import type { KubernetesApi, Scope, WatchEvent } from '../../ports/kubernetes.ts'
import { loadClusterConfig, type ClusterPlace } from './cluster-config.ts'
import { fromAnswer, type Answer } from './foreign-error.ts'
import { askedOf, listObjects, parseJson } from './list-objects.ts'
import { Transport, type Call } from './transport.ts'
import { watchObjects, type WatchOptions } from './watch-objects.ts'

export interface KubernetesOptions extends Partial<Omit<WatchOptions, 'onTrouble'>> {
  /** From sending a request to its whole answer. */
  readonly timeoutMs?: number
  /** Told why a watch was interrupted, before it goes on. */
  readonly onTrouble?: (error: AutoshieldError, resource: Resource) => void
}

/** Above the 10 s that the API server gives a webhook by default, so that its answer arrives. */
const TIMEOUT_MS = 15_000
const BACKOFF = { baseMs: 100, maxMs: 10_000 }
/** Two bookmarks, which the API server sends once a minute. */
const SILENCE_MS = 130_000

/**
 * The API server that a kubeconfig or the pod's service account names. Nothing is sent before the first call; disposing
 * closes the connections. Throws as `loadClusterConfig` does.
 */
export function openKubernetes (place: ClusterPlace, options: KubernetesOptions = {}): KubernetesApi & Disposable {
  return new HttpKubernetesApi(new Transport(loadClusterConfig(place), options.timeoutMs ?? TIMEOUT_MS), options)
}

interface WriteOptions {
  readonly force?: boolean
  readonly dryRun?: boolean
  readonly subresource?: string
  readonly fieldManager?: string
}

class HttpKubernetesApi implements KubernetesApi, Disposable {
  readonly #transport: Transport
  readonly #options: KubernetesOptions

  constructor (transport: Transport, options: KubernetesOptions) {
    this.#transport = transport
    this.#options = options
  }

  async get (resource: Resource, name: string, namespace?: string): Promise<KubernetesObject | null> {
    const at = { name, namespace }
    const answer = await this.#transport.send({ method: 'GET', path: pathOf(resource, at), repeatable: true })
    if (isAbsent(answer, name)) return null
    return this.#objectOf(answer, 'get', resource, at)
  }

  async list (resource: Resource, scope: Scope = {}): Promise<readonly KubernetesObject[]> {
    const { objects } = await listObjects(this.#transport, resource, scope, (object) => object)
    return objects
  }

  async create (resource: Resource, object: unknown, options: Pick<WriteOptions, 'dryRun' | 'subresource'> = {}): Promise<KubernetesObject> {
    const { name, namespace } = nameOf(object)
    const { subresource } = options
    // A part of an object is created at the object; an object at its collection.
    const path = pathOf(resource, { namespace, subresource, ...(subresource !== undefined && { name }) })
    return this.#write({ method: 'POST', path, body: typed(object, resource, subresource), query: queryOf(options) }, 'create', resource, { namespace, subresource, name })
  }

  async replace (resource: Resource, object: KubernetesObject, { subresource }: Pick<WriteOptions, 'subresource'> = {}): Promise<KubernetesObject> {
    const at = { ...nameOf(object), subresource }
    return this.#write({ method: 'PUT', path: pathOf(resource, at), body: typed(object, resource, subresource), query: queryOf({}) }, 'update', resource, at)
  }

  async apply (resource: Resource, object: unknown, options: WriteOptions = {}): Promise<KubernetesObject> {
    const at = { ...nameOf(object), subresource: options.subresource }
    return this.#write({
      method: 'PATCH',
      path: pathOf(resource, at),
      body: typed(object, resource, undefined),
      contentType: 'application/apply-patch+yaml', // JSON is YAML
      query: queryOf(options),
      repeatable: true,
    }, 'patch', resource, at)
  }

  async remove (resource: Resource, name: string, { namespace, uid }: { readonly namespace?: string, readonly uid?: string } = {}): Promise<boolean> {
    const at = { name, namespace }
    const answer = await this.#transport.send({
      method: 'DELETE',
      path: pathOf(resource, at),
      body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', ...(uid !== undefined && { preconditions: { uid } }) },
    })
    if (isAbsent(answer, name)) return false
    if (answer.status >= 300) throw fromAnswer(answer, askedOf('delete', resource, at), this.#transport.server)
    return true
  }

  watch (resource: Resource, scope: Scope, signal: AbortSignal): AsyncIterable<WatchEvent>
  watch<T> (resource: Resource, scope: Scope, signal: AbortSignal, read: (object: KubernetesObject) => T): AsyncIterable<WatchEvent<T>>
  watch (resource: Resource, scope: Scope, signal: AbortSignal, read: (object: KubernetesObject) => unknown = (object) => object): AsyncIterable<WatchEvent<unknown>> {
    const { backoff = BACKOFF, random = Math.random, silenceMs = SILENCE_MS, onTrouble } = this.#options
    return watchObjects(this.#transport, { resource, scope, read }, signal, {
      backoff, random, silenceMs, onTrouble: (error) => onTrouble?.(error, resource),
    })
  }

  async text (path: string): Promise<string> {
    const answer = await this.#transport.send({ method: 'GET', path, repeatable: true })
    if (answer.status !== 200) throw fromAnswer(answer, { verb: 'get', resource: path, phrase: path }, this.#transport.server)
    return answer.text
  }

  [Symbol.dispose] (): void {
    this.#transport[Symbol.dispose]()
  }

  async #write (call: Call, verb: string, resource: Resource, at: At): Promise<KubernetesObject> {
    return this.#objectOf(await this.#transport.send(call), verb, resource, at)
  }

  #objectOf (answer: Answer, verb: string, resource: Resource, at: At): KubernetesObject {
    if (answer.status < 200 || answer.status >= 300) throw fromAnswer(answer, askedOf(verb, resource, at), this.#transport.server)
    return readObject(parseJson(answer.text, resource), resource)
  }
}

interface At {
  readonly name: string
  readonly namespace: string | undefined
  readonly subresource?: string | undefined
}

function nameOf (object: unknown): { name: string, namespace: string | undefined } {
  const metadata = isRecord(object) && isRecord(object['metadata']) ? object['metadata'] : {}
  const { name, namespace } = metadata
  return { name: typeof name === 'string' ? name : '', namespace: typeof namespace === 'string' ? namespace : undefined }
}

/** The caller need not repeat what the resource says; the body of a subresource may be of another kind (Eviction, Binding). */
function typed (object: unknown, resource: Resource, subresource: string | undefined): unknown {
  return isRecord(object) && subresource === undefined ? { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object } : object
}

const queryOf = ({ force, dryRun, fieldManager }: WriteOptions): Record<string, string> => ({
  fieldManager: fieldManager ?? FIELD_MANAGER,
  ...(force === true && { force: 'true' }),
  ...(dryRun === true && { dryRun: 'All' }),
})

/** The object is not there; where its kind is not served at all, the 404 names no object. */
function isAbsent ({ status, text }: Answer, name: string): boolean {
  if (status !== 404) return false
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) && isRecord(value['details']) && value['details']['name'] === name
  } catch {
    return false // no Status: a path that is not served
  }
}
