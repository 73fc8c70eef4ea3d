import { AutoshieldError } from '../../core/errors.ts'
import type { Exception, ExceptionSpec, ExceptionStatus } from '../../core/exception/exception.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { Exceptions } from '../../ports/exceptions.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import { Mirror } from './mirror.ts'
import { fromStoredException } from './stored-exception.ts'

const { exceptions: resource } = RESOURCES

/**
 * Exceptions as objects of the cluster. kubectl and the console make them, this writes their status, and neither touches
 * the other's part. Read from a mirror; what was written is seen by the next look.
 */
export class KubernetesExceptions implements Exceptions {
  /** Resolves when every exception has been seen once. */
  readonly synced: Promise<undefined>
  readonly #api: KubernetesApi
  readonly #namespace: string
  readonly #mirror: Mirror<Exception>

  constructor (api: KubernetesApi, { namespace }: { readonly namespace: string }) {
    this.#api = api
    this.#namespace = namespace
    this.#mirror = new Mirror(api, { resource, scope: { namespace }, read: fromStoredException })
    this.synced = this.#mirror.synced
  }

  /** Whether every exception has been seen once. */
  ready (): boolean {
    return this.#mirror.ready()
  }

  list (): readonly Exception[] {
    return this.#mirror.list().toSorted((left, right) => left.metadata.name < right.metadata.name ? -1 : 1)
  }

  async add (name: string, spec: ExceptionSpec): Promise<Exception> {
    const stored = await this.#api.create(resource, { metadata: { name, namespace: this.#namespace }, spec })
    this.#mirror.note(stored)
    const exception = fromStoredException(stored)
    if (exception === null) throw new AutoshieldError('BAD_DATA', 'The API server has another definition of exceptions than this AutoShield: apply deploy/chart/crds/exceptions.yaml.')
    return exception
  }

  async remove (name: string): Promise<boolean> {
    const removed = await this.#api.remove(resource, name, { namespace: this.#namespace })
    this.#mirror.forget(this.#namespace, name)
    return removed
  }

  async tell (name: string, status: ExceptionStatus): Promise<void> {
    const object = { metadata: { name, namespace: this.#namespace }, status }
    this.#mirror.note(await this.#api.apply(resource, object, { force: true, subresource: 'status' }))
  }

  onChange (listener: () => void): Disposable {
    return this.#mirror.onChange(listener)
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    await this.#mirror.run(signal)
  }
}
