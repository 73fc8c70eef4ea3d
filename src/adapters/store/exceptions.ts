import { AutoshieldError } from '../../core/errors.ts'
import { MAX_EXCEPTIONS, type Exception, type ExceptionSpec, type ExceptionStatus } from '../../core/exception/exception.ts'
import { Turns } from '../../core/turns.ts'
import type { Exceptions } from '../../ports/exceptions.ts'
import type { Collection } from '../../ports/object-store.ts'

type ExceptionCollection = Collection<Exception> & { readonly delete: (name: string) => Promise<void> }

/** Exceptions of a standalone loop, in a collection of whole objects. */
export class StoredExceptions implements Exceptions {
  readonly #objects: ExceptionCollection
  readonly #listeners = new Set<() => void>()
  /** What is in the collection, which nobody else writes; null before the first look. */
  #known: Map<string, Exception> | null = null
  /** A write changes one part of what is there, so each waits for the one before. */
  readonly #turns = new Turns()

  constructor (objects: ExceptionCollection) {
    this.#objects = objects
  }

  list (): readonly Exception[] {
    return [...this.#all().values()].toSorted((left, right) => left.metadata.name < right.metadata.name ? -1 : 1)
  }

  async add (name: string, spec: ExceptionSpec, at: string): Promise<Exception> {
    return this.#turns.take('', async () => {
      if (this.#all().has(name)) throw new AutoshieldError('CONFLICT', `There is an exception "${name}" already: remove it, or choose another name.`)
      if (this.#all().size >= MAX_EXCEPTIONS) throw new AutoshieldError('CONFLICT', `There are ${MAX_EXCEPTIONS} exceptions already: remove those that ended.`)
      return this.#put({ metadata: { name, uid: `exception-${name}-${Date.parse(at)}`, generation: 1, creationTimestamp: at }, spec, status: null })
    })
  }

  async remove (name: string): Promise<boolean> {
    return this.#turns.take('', async () => {
      if (!this.#all().has(name)) return false
      await this.#objects.delete(name)
      this.#all().delete(name)
      this.#changed()
      return true
    })
  }

  async tell (name: string, status: ExceptionStatus): Promise<void> {
    await this.#turns.take('', async () => {
      const known = this.#all().get(name)
      if (known === undefined) throw new AutoshieldError('NOT_FOUND', `There is no exception "${name}" any more.`)
      await this.#put({ ...known, status })
    })
  }

  onChange (listener: () => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => { this.#listeners.delete(listener) } }
  }

  #all (): Map<string, Exception> {
    this.#known ??= new Map(this.#objects.list().map((exception) => [exception.metadata.name, exception]))
    return this.#known
  }

  async #put (exception: Exception): Promise<Exception> {
    await this.#objects.put(exception.metadata.name, exception)
    this.#all().set(exception.metadata.name, exception)
    this.#changed()
    return exception
  }

  #changed (): void {
    for (const listener of this.#listeners) listener()
  }
}
