import { AutoshieldError } from '../src/core/errors.ts'
import type { Credentials, Identity } from '../src/core/identity.ts'
import type { Clock } from '../src/ports/clock.ts'
import type { CredentialSource } from '../src/ports/identity.ts'
import { renewAtMs } from '../src/wire/check-credentials.ts'
import { HeldCredentials } from '../src/wire/held-credentials.ts'
import { wait } from '../src/wire/wait.ts'
import type { SecretAuthority } from './secret-authority.ts'

export interface SelfIssuedOptions {
  readonly authority: Pick<SecretAuthority, 'current' | 'onChange'>
  readonly identity: Identity
  readonly clock: Clock
  readonly everyMs?: number
}

/**
 * The identity of the process that holds the authority itself: the controller. Made anew at two thirds of its life, and
 * when the authority changes, so that the newest bundle is what callers are measured by.
 */
export class SelfIssued implements CredentialSource {
  readonly #options: SelfIssuedOptions
  readonly #held = new HeldCredentials('the certificate authority has not been read yet')

  constructor (options: SelfIssuedOptions) {
    this.#options = options
  }

  current (): Credentials {
    return this.#held.current()
  }

  onChange (listener: () => void): Disposable {
    return this.#held.onChange(listener)
  }

  async run (signal: AbortSignal): Promise<void> {
    const { authority, everyMs = 60_000 } = this.#options
    const following = authority.onChange(() => this.look())
    this.look()
    while (await wait(everyMs, signal)) this.look()
    following[Symbol.dispose]()
  }

  /** Makes a new certificate if one is due. Does nothing while there is no authority. */
  look (): void {
    const { authority, identity, clock } = this.#options
    try {
      const signer = authority.current()
      const { held } = this.#held
      if (held !== null && held.authorities === signer.bundle && clock.now() < renewAtMs(held.certificate, 0)) return
      this.#held.take(signer.issueWithKey({ identity }, clock.now()))
    } catch (error) {
      if (AutoshieldError.from(error).code !== 'UNAVAILABLE') throw error
    }
  }
}
