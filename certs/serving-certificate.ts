import { X509Certificate } from 'node:crypto'
import { AutoshieldError } from '../src/core/errors.ts'
import type { Credentials } from '../src/core/identity.ts'
import { WEBHOOK_SERVICE } from '../src/core/injection/names.ts'
import type { KubernetesObject } from '../src/core/kubernetes/object.ts'
import { RESOURCES } from '../src/core/kubernetes/resource.ts'
import type { Clock } from '../src/ports/clock.ts'
import type { KubernetesApi } from '../src/ports/kubernetes.ts'
import { checkCredentials, renewAtMs } from '../src/wire/check-credentials.ts'
import { Listeners } from '../src/wire/listeners.ts'
import type { Authority } from './authority.ts'
import { reconcileUntil, scopeOf, type Reconciled } from './reconcile.ts'
import type { SecretAuthority } from './secret-authority.ts'
import { isForeignPair, newPairSecret, pairData, readPair, SERVING_SECRET, serviceNames } from './serving-secret.ts'

export type ServingEvent =
  /** A pair of our own was written; why it was due. */
  | { readonly type: 'issued', readonly why: string, readonly endsMs: number }
  /** The bundle beside the pair was brought up to date. */
  | { readonly type: 'bundle' }
  /** A pair that somebody else brought, or cert-manager keeps, is in use. */
  | { readonly type: 'foreign', readonly endsMs: number }
  /** A foreign pair cannot be used, or the API server says no; what was in use stays. */
  | { readonly type: 'refused', readonly reason: string }
  | { readonly type: 'failed', readonly reason: string }

export interface ServingCertificateOptions {
  readonly api: KubernetesApi
  readonly authority: Pick<SecretAuthority, 'current' | 'onChange'>
  readonly trustDomain: string
  /** AutoShield's own. */
  readonly namespace: string
  readonly clock: Clock
  readonly everyMs?: number
  readonly onEvent?: (event: ServingEvent) => void
}

/**
 * Sees to it that the webhook has a certificate: issued by our authority and renewed at two thirds of its life, or the
 * one that somebody else keeps in the same Secret. Run by the controller; the webhook's replicas only read.
 */
export class ServingCertificate {
  readonly #options: ServingCertificateOptions
  readonly #names: readonly string[]
  readonly #listeners = new Listeners()
  #bundle: string | null = null
  #said = ''

  constructor (options: ServingCertificateOptions) {
    this.#options = options
    this.#names = serviceNames(WEBHOOK_SERVICE, options.namespace)
  }

  /** PEM of the authorities that vouch for the pair in the Secret: what a webhook's `caBundle` has to be. Throws UNAVAILABLE until there is a pair. */
  bundle (): string {
    if (this.#bundle === null) throw new AutoshieldError('UNAVAILABLE', `the webhook has no serving certificate yet${this.#said === '' ? '' : `: ${this.#said}`}`)
    return this.#bundle
  }

  onChange (listener: () => void): Disposable {
    return this.#listeners.add(listener)
  }

  async run (signal: AbortSignal): Promise<void> {
    const { api, namespace, authority, everyMs = 60_000 } = this.#options
    const also = (listener: () => void): Disposable => authority.onChange(listener)
    await reconcileUntil(signal, { api, resource: RESOURCES.secrets, scope: scopeOf(SERVING_SECRET, namespace), everyMs, also, reconcile: () => this.reconcile() })
  }

  /** Brings the Secret to what it should be. Never throws: what fails is told. */
  async reconcile (): Promise<Reconciled> {
    try {
      await this.#reconcile()
      return 'done'
    } catch (thrown) {
      const { code, message } = AutoshieldError.from(thrown)
      if (code !== 'CONFLICT') this.#complain(code === 'UNAVAILABLE' ? 'failed' : 'refused', message)
      return 'failed' // where it is a conflict, somebody wrote meanwhile
    }
  }

  async #reconcile (): Promise<void> {
    const { api, namespace } = this.#options
    const secret = await api.get(RESOURCES.secrets, SERVING_SECRET, namespace)
    if (secret !== null && isForeignPair(secret)) {
      this.#useForeign(secret)
      return
    }
    const authority = this.#options.authority.current()
    const why = secret === null ? 'there was none' : this.#renewalReason(readPair(secret), authority)
    if (secret === null || why !== null) return this.#issue(secret, authority, why ?? '')
    const pair = readPair(secret)
    if (pair.authorities !== authority.bundle) {
      await api.replace(RESOURCES.secrets, { ...secret, data: pairData({ ...pair, authorities: authority.bundle }) })
      this.#take(authority.bundle, { type: 'bundle' })
    } else this.#take(authority.bundle, null)
  }

  /** Null where the pair is good for now. */
  #renewalReason (pair: Credentials, authority: Authority): string | null {
    const nowMs = this.#options.clock.now()
    const refused = checkCredentials({ ...pair, authorities: authority.bundle }, { nowMs, dns: this.#names })
    if (refused !== null) return refused.detail
    return nowMs < renewAtMs(pair.certificate, spreadOf(pair.certificate)) ? null : 'two thirds of its life have passed'
  }

  async #issue (secret: KubernetesObject | null, authority: Authority, why: string): Promise<void> {
    const { api, namespace, trustDomain, clock } = this.#options
    // Not the identity `webhook`: who reads this Secret can answer reviews, but does not become the webhook towards the controller.
    const identity = { trustDomain, namespace, uid: 'webhook-serving' }
    const pair = authority.issueWithKey({ identity, dns: this.#names }, clock.now())
    if (secret === null) await api.create(RESOURCES.secrets, newPairSecret(namespace, pair))
    else await api.replace(RESOURCES.secrets, { ...secret, data: pairData(pair) })
    this.#take(pair.authorities, { type: 'issued', why, endsMs: endMs(pair) })
  }

  #useForeign (secret: KubernetesObject): void {
    const pair = readPair(secret)
    const refused = checkCredentials(pair, { nowMs: this.#options.clock.now(), dns: this.#names.slice(0, 1) })
    if (refused !== null) {
      this.#complain('refused', `the pair in Secret ${secret.metadata.namespace ?? ''}/${SERVING_SECRET}, which others keep, cannot be used: ${refused.detail}; mend it, or remove it to have one issued by AutoShield`)
    } else this.#take(pair.authorities, this.#bundle === pair.authorities ? null : { type: 'foreign', endsMs: endMs(pair) })
  }

  #take (bundle: string, event: ServingEvent | null): void {
    this.#said = ''
    if (event !== null) this.#options.onEvent?.(event)
    if (bundle === this.#bundle) return
    this.#bundle = bundle
    this.#listeners.call()
  }

  /** Each complaint once, until something works again. */
  #complain (type: 'refused' | 'failed', reason: string): void {
    if (this.#said === reason) return
    this.#said = reason
    this.#options.onEvent?.({ type, reason })
  }
}

const endMs = ({ certificate }: Credentials): number => new X509Certificate(certificate).validToDate.getTime()

/** In [0, 1), the same for all who look at one certificate, so that it does not move with each look or restart. */
const spreadOf = (certificate: string): number =>
  Number.parseInt(new X509Certificate(certificate).fingerprint256.replaceAll(':', '').slice(0, 8), 16) / 2 ** 32
