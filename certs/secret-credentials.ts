import { AutoshieldError } from '../src/core/errors.ts'
import type { Credentials } from '../src/core/identity.ts'
import { WEBHOOK_SERVICE } from '../src/core/injection/names.ts'
import { RESOURCES } from '../src/core/kubernetes/resource.ts'
import type { Clock } from '../src/ports/clock.ts'
import type { CredentialSource } from '../src/ports/identity.ts'
import type { KubernetesApi } from '../src/ports/kubernetes.ts'
import { checkCredentials, type CredentialProblem } from '../src/wire/check-credentials.ts'
import { HeldCredentials, sameCredentials } from '../src/wire/held-credentials.ts'
import { reconcileUntil, scopeOf, type Reconciled } from './reconcile.ts'
import { readPair, SERVING_SECRET, serviceNames } from './serving-secret.ts'

export type SecretCredentialsEvent =
  | { readonly type: 'taken' }
  /** The pair in the Secret is not used, and the one before stays. */
  | { readonly type: 'refused', readonly problem: CredentialProblem | 'Gone', readonly reason: string }
  | { readonly type: 'failed', readonly reason: string }

export interface SecretCredentialsOptions {
  readonly api: KubernetesApi
  readonly namespace: string
  readonly clock: Clock
  /** The Secret: the webhook's serving pair where nothing is said. */
  readonly secret?: string
  /** A name that the certificate must carry: that of the webhook's Service where nothing is said. */
  readonly dns?: string
  readonly everyMs?: number
  readonly onEvent?: (event: SecretCredentialsEvent) => void
}

/** The pair in one Secret, followed by a process that may only read it. */
export class SecretCredentials implements CredentialSource {
  readonly #options: SecretCredentialsOptions
  readonly #name: string
  readonly #held: HeldCredentials
  #said = ''

  constructor (options: SecretCredentialsOptions) {
    this.#options = options
    this.#name = options.secret ?? SERVING_SECRET
    this.#held = new HeldCredentials(`Secret ${options.namespace}/${this.#name} has not been read or cannot be used`)
  }

  current (): Credentials {
    return this.#held.current()
  }

  onChange (listener: () => void): Disposable {
    return this.#held.onChange(listener)
  }

  /** Null where there is a pair that is valid now; otherwise why the process cannot serve. */
  problem (): string | null {
    const { held } = this.#held
    if (held === null) return this.#said === '' ? 'no certificate was read yet' : this.#said
    return checkCredentials(held, { nowMs: this.#options.clock.now() })?.detail ?? null
  }

  async run (signal: AbortSignal): Promise<void> {
    const { api, namespace, everyMs = 60_000 } = this.#options
    await reconcileUntil(signal, { api, resource: RESOURCES.secrets, scope: scopeOf(this.#name, namespace), everyMs, reconcile: () => this.look() })
  }

  /** Reads the Secret once and takes the pair if it can be used. Never throws. */
  async look (): Promise<Reconciled> {
    const { api, namespace, clock, dns = serviceNames(WEBHOOK_SERVICE, namespace)[0] } = this.#options
    const where = `Secret ${namespace}/${this.#name}`
    try {
      const secret = await api.get(RESOURCES.secrets, this.#name, namespace)
      if (secret === null) {
        this.#complain({ type: 'refused', problem: 'Gone', reason: `there is no ${where}` })
        return 'done'
      }
      const pair = readPair(secret)
      const refused = checkCredentials(pair, { nowMs: clock.now(), dns: [dns] })
      if (refused === null) this.#take(pair)
      else this.#complain({ type: 'refused', problem: refused.problem, reason: `the pair in ${where} is not used: ${refused.detail}` })
      return 'done'
    } catch (error) {
      this.#complain({ type: 'failed', reason: `${where} could not be read: ${AutoshieldError.from(error).message}` })
      return 'failed'
    }
  }

  #take (pair: Credentials): void {
    this.#said = ''
    if (this.#held.held !== null && sameCredentials(this.#held.held, pair)) return
    this.#held.take(pair)
    this.#options.onEvent?.({ type: 'taken' })
  }

  /** Each complaint once, until something works again. */
  #complain (event: Exclude<SecretCredentialsEvent, { type: 'taken' }>): void {
    if (this.#said === event.reason) return
    this.#said = event.reason
    this.#options.onEvent?.(event)
  }
}
