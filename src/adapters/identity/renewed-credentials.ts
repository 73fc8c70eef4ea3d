import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { backoffMs, type Backoff } from '../../core/backoff.ts'
import { AutoshieldError } from '../../core/errors.ts'
import type { Credentials, Identity } from '../../core/identity.ts'
import type { Clock } from '../../ports/clock.ts'
import type { CredentialSource } from '../../ports/identity.ts'
import { checkCredentials, renewAtMs } from '../../wire/check-credentials.ts'
import { HeldCredentials } from '../../wire/held-credentials.ts'
import { wait } from '../../wire/wait.ts'
import { requestCertificate } from './request-certificate.ts'

export type RenewalEvent =
  | { readonly type: 'renewed', readonly endsMs: number }
  /** The controller says no: nothing but a person or a new pod changes that soon. */
  | { readonly type: 'refused', readonly reason: string, readonly retryMs: number }
  | { readonly type: 'unavailable', readonly reason: string, readonly retryMs: number }

export interface RenewedCredentialsOptions {
  /** `HOST:PORT` of the controller. */
  readonly endpoint: string
  /** Who must answer there: the identity `controller`. */
  readonly server: Identity
  /** The projected token; the kubelet renews it, so it is read at each request. */
  readonly tokenFile: string
  /** Authorities that may vouch for the controller, PEM; they change under us while a root is replaced. */
  readonly authoritiesFile: string
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly backoff?: Backoff
  readonly refusedBackoff?: Backoff
  /** How often it is looked whether a renewal is due, or the authorities changed: 30 s where nothing is said. */
  readonly everyMs?: number
  readonly onEvent?: (event: RenewalEvent) => void
}

const BASE_MS = 250
const REFUSED: Backoff = { baseMs: 60_000, maxMs: 600_000 }

/**
 * Waits between requests: a pod that has no certificate yet is blind, or without its proxy, until it gets one; one that has has a third
 * of its life to renew it.
 *
 *     trouble     | has a certificate | at most
 *     unavailable | no                | 10 s
 *     unavailable | yes               | 60 s
 *     refused     | either            | 10 min
 */
export function waitsAfter (trouble: 'refused' | 'unavailable', has: 'none' | 'one'): Backoff {
  if (trouble === 'refused') return REFUSED
  return { baseMs: BASE_MS, maxMs: has === 'none' ? 10_000 : 60_000 }
}

/** Asked anew each time: to the compiler a flag that was false stays false. */
const isLive = (signal: AbortSignal): boolean => !signal.aborted

/**
 * This pod's certificate, from the controller, for keys that never leave this process. Renewed between two thirds and
 * three quarters of its life, and when the authorities beside the token change; what it holds stays until then.
 */
export class RenewedCredentials implements CredentialSource {
  readonly #options: RenewedCredentialsOptions
  readonly #held: HeldCredentials
  /** What the file said when the certificate was asked for. */
  #authorities = ''

  constructor (options: RenewedCredentialsOptions) {
    this.#options = options
    this.#held = new HeldCredentials(`the controller at ${options.endpoint} has not issued any`)
  }

  current (): Credentials {
    return this.#held.current()
  }

  onChange (listener: () => void): Disposable {
    return this.#held.onChange(listener)
  }

  /** Gets a certificate and keeps it new until the signal aborts. Tries for ever. */
  async run (signal: AbortSignal): Promise<void> {
    const { random, backoff, refusedBackoff, onEvent } = this.#options
    for (let attempt = 0; isLive(signal); attempt++) {
      try {
        const endsMs = await this.#renew(signal)
        attempt = -1
        onEvent?.({ type: 'renewed', endsMs })
        await this.#untilDue(signal)
      } catch (thrown) {
        if (!isLive(signal)) return
        const { code, message } = AutoshieldError.from(thrown)
        const type = code === 'UNTRUSTED' ? 'refused' : 'unavailable'
        const asked = type === 'refused' ? refusedBackoff : backoff
        const retryMs = backoffMs(attempt, random(), asked ?? waitsAfter(type, this.#held.held === null ? 'none' : 'one'))
        onEvent?.({ type, reason: message, retryMs })
        await wait(retryMs, signal)
      }
    }
  }

  async #renew (signal: AbortSignal): Promise<number> {
    const { endpoint, server, tokenFile, authoritiesFile, clock } = this.#options
    const [token, authorities] = await Promise.all([readText(tokenFile), readText(authoritiesFile)])
    // Each request has a key of its own: the controller certifies none twice, so an answer that was lost costs nothing.
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    // The file is as old as the pod; what came with the last certificate knows of newer roots.
    const trusted = `${authorities}\n${this.#held.held?.authorities ?? ''}`
    const answer = await requestCertificate({ endpoint, server, authorities: trusted, token: token.trim(), publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() }, signal)
    const credentials = { ...answer, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
    const refused = checkCredentials(credentials, { nowMs: clock.now() })
    if (refused !== null) throw new AutoshieldError('UNAVAILABLE', `the certificate from ${endpoint} cannot be used: ${refused.detail}; is this machine's clock right?`)
    this.#authorities = authorities
    this.#held.take(credentials)
    return new X509Certificate(credentials.certificate).validToDate.getTime()
  }

  async #untilDue (signal: AbortSignal): Promise<void> {
    const { clock, random, authoritiesFile, everyMs = 30_000 } = this.#options
    const dueMs = renewAtMs(this.#held.current().certificate, random())
    while (await wait(everyMs / 2 + random() * everyMs / 2, signal)) {
      if (clock.now() >= dueMs || await readText(authoritiesFile) !== this.#authorities) return
    }
  }
}

/** Throws UNAVAILABLE. */
async function readText (file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new AutoshieldError('UNAVAILABLE', `${file} cannot be read (${AutoshieldError.from(cause).message}); it comes from the pod's volume autoshield-identity.`, { cause })
  }
}
