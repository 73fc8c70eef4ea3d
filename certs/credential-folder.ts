import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AutoshieldError } from '../src/core/errors.ts'
import type { Credentials } from '../src/core/identity.ts'
import type { Clock } from '../src/ports/clock.ts'
import type { CredentialSource } from '../src/ports/identity.ts'
import { checkCredentials } from '../src/wire/check-credentials.ts'
import { HeldCredentials, sameCredentials } from '../src/wire/held-credentials.ts'
import { wait } from '../src/wire/wait.ts'

const FILES = { certificate: 'cert.pem', key: 'key.pem', authorities: 'ca.pem' } as const

/** Files of one identity, as Envoy and our own processes read them. The folder is its owner's alone. */
export const credentialFiles = (folder: string): Readonly<Record<keyof Credentials, string>> =>
  ({ certificate: join(folder, FILES.certificate), key: join(folder, FILES.key), authorities: join(folder, FILES.authorities) })

/**
 * Each file is whole at any moment; between two of them a reader may see a pair that does not fit. `group`: the folder's group may
 * read them, too. Throws UNAVAILABLE where the folder cannot be written.
 */
export async function writeCredentials (folder: string, credentials: Credentials, { group = false } = {}): Promise<void> {
  const files = credentialFiles(folder)
  try {
    await mkdir(folder, { recursive: true, mode: group ? 0o750 : 0o700 })
    for (const part of ['authorities', 'key', 'certificate'] as const) {
      const temporary = `${files[part]}.${randomBytes(6).toString('hex')}`
      await writeFile(temporary, credentials[part], { mode: group ? 0o640 : 0o600 })
      await rename(temporary, files[part])
    }
  } catch (cause) {
    throw new AutoshieldError('UNAVAILABLE', `the identity cannot be written to ${folder} (${AutoshieldError.from(cause).message}); choose another folder or mend this one.`, { cause })
  }
}

/** Throws NOT_FOUND where a file is missing or cannot be read. */
export async function readCredentials (folder: string): Promise<Credentials> {
  const files = credentialFiles(folder)
  try {
    const [certificate, key, authorities] = await Promise.all([files.certificate, files.key, files.authorities].map((file) => readFile(file, 'utf8')))
    return { certificate: certificate ?? '', key: key ?? '', authorities: authorities ?? '' }
  } catch (cause) {
    throw new AutoshieldError('NOT_FOUND', `${folder} holds no identity (${AutoshieldError.from(cause).message}); make one with 'autoshield identity issue', or start 'autoshield up', which makes its own.`, { cause })
  }
}

export interface FolderCredentialsOptions {
  readonly clock: Clock
  /** Told, once each, why what lies in the folder is not taken. */
  readonly warn: (problem: string) => void
  /** How often the folder is looked at: 2 s where nothing is said. */
  readonly everyMs?: number
}

/** The identity in a folder, followed as somebody renews it. What cannot be used is not taken, and the last good one stays. */
export class FolderCredentials implements CredentialSource {
  readonly #folder: string
  readonly #options: FolderCredentialsOptions
  readonly #held: HeldCredentials
  #refused: Credentials | null = null

  /** Throws NOT_FOUND where a file is missing, UNTRUSTED where the pair cannot be used. */
  static async open (folder: string, options: FolderCredentialsOptions): Promise<FolderCredentials> {
    const first = await readCredentials(folder)
    const refused = checkCredentials(first, { nowMs: options.clock.now() })
    if (refused !== null) throw new AutoshieldError('UNTRUSTED', `the identity in ${folder} cannot be used: ${refused.detail}; make a new one with 'autoshield identity issue', or start 'autoshield up' again.`)
    return new FolderCredentials(folder, options, first)
  }

  private constructor (folder: string, options: FolderCredentialsOptions, first: Credentials) {
    this.#folder = folder
    this.#options = options
    this.#held = new HeldCredentials(`${folder} holds none`, first)
  }

  current (): Credentials {
    return this.#held.current()
  }

  onChange (listener: () => void): Disposable {
    return this.#held.onChange(listener)
  }

  /** Follows the folder until the signal aborts. */
  async run (signal: AbortSignal): Promise<void> {
    while (await wait(this.#options.everyMs ?? 2_000, signal)) await this.look()
  }

  /** Reads the folder once and takes what is there, if it can be used. */
  async look (): Promise<void> {
    const found = await this.#read()
    if (found === null || sameCredentials(found, this.#held.current())) return
    const refused = checkCredentials(found, { nowMs: this.#options.clock.now() })
    if (refused === null) {
      this.#refused = null
      this.#held.take(found)
    } else if (this.#refused === null || !sameCredentials(this.#refused, found)) {
      this.#refused = found
      this.#options.warn(`the new identity in ${this.#folder} is not taken: ${refused.detail}; the old one stays`)
    }
  }

  /** Null where a file is missing just now: whoever renews it may be about to put it back. */
  async #read (): Promise<Credentials | null> {
    try {
      return await readCredentials(this.#folder)
    } catch {
      return null
    }
  }
}
