import { AutoshieldError } from '../core/errors.ts'
import type { Credentials } from '../core/identity.ts'
import type { CredentialSource } from '../ports/identity.ts'
import { Listeners } from './listeners.ts'

/** Credentials that somebody hands in, and those who are told when they change. */
export class HeldCredentials implements CredentialSource {
  #current: Credentials | null
  readonly #missing: string
  readonly #listeners = new Listeners()

  /** `missing` completes "there are no credentials yet: ...". */
  constructor (missing: string, first: Credentials | null = null) {
    this.#missing = missing
    this.#current = first
  }

  current (): Credentials {
    if (this.#current === null) throw new AutoshieldError('UNAVAILABLE', `there are no credentials yet: ${this.#missing}`)
    return this.#current
  }

  /** Null while there are none. */
  get held (): Credentials | null {
    return this.#current
  }

  onChange (listener: () => void): Disposable {
    return this.#listeners.add(listener)
  }

  /** Replaces them. Whoever calls has checked them; equal ones change nothing. */
  take (next: Credentials): void {
    if (this.#current !== null && sameCredentials(this.#current, next)) return
    this.#current = next
    this.#listeners.call()
  }
}

export const sameCredentials = (a: Credentials, b: Credentials): boolean =>
  a.certificate === b.certificate && a.key === b.key && a.authorities === b.authorities

/** For what lives shorter than a certificate. */
export const fixedCredentials = (credentials: Credentials): CredentialSource => new HeldCredentials('', credentials)

/** Resolves with the first credentials that there are; rejects with UNAVAILABLE where the signal aborts before. */
export async function firstCredentials (source: CredentialSource, signal: AbortSignal): Promise<Credentials> {
  const { promise, resolve, reject } = Promise.withResolvers<Credentials>()
  const abort = (): void => reject(new AutoshieldError('UNAVAILABLE', 'stopped before there were credentials'))
  const look = (): void => {
    try {
      resolve(source.current())
    } catch (error) {
      if (AutoshieldError.from(error).code !== 'UNAVAILABLE') reject(AutoshieldError.from(error))
    }
  }
  const changes = source.onChange(look)
  signal.addEventListener('abort', abort, { once: true })
  try {
    if (signal.aborted) abort()
    look()
    return await promise
  } finally {
    signal.removeEventListener('abort', abort)
    changes[Symbol.dispose]()
  }
}
