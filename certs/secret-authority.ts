import { AutoshieldError } from '../src/core/errors.ts'
import type { KubernetesObject } from '../src/core/kubernetes/object.ts'
import { RESOURCES } from '../src/core/kubernetes/resource.ts'
import type { Clock } from '../src/ports/clock.ts'
import type { KubernetesApi } from '../src/ports/kubernetes.ts'
import { Listeners } from '../src/wire/listeners.ts'
import { AUTHORITY_OVERLAP_MS, Authority, createAuthority, LEAF_LIFE_MS } from './authority.ts'
import { AUTHORITY_SECRET, bundleOf, keyOf, readRoots, recordOf, ROTATE_ROOT, writeRoots, type RootStore } from './authority-secret.ts'
import { reconcileUntil, scopeOf, type Reconciled } from './reconcile.ts'
import { nextStep, promoted, withNext, without, type Roots, type RotationSettings } from './root-rotation.ts'

/** What happened to the authority; logs, audit and tests carry the names. */
export const AUTHORITY_CHANGES = {
  created: 'the first authority of this cluster was made',
  loaded: 'the authority was read, at the start or after another replica changed it',
  restored: 'the Secret was removed under us and is back',
  replaced: 'somebody put another authority in place of ours; what it did not sign is worthless',
  trusted: 'a new root is trusted and signs nothing yet',
  promoted: 'the new root signs',
  dropped: 'a root that has no leaf left is trusted no more',
} as const
export type AuthorityChange = keyof typeof AUTHORITY_CHANGES

export type AuthorityEvent =
  | { readonly type: AuthorityChange, readonly roots: Roots }
  /** The Secret cannot be used; what was loaded before goes on. Nothing is overwritten: a person must decide. */
  | { readonly type: 'refused', readonly reason: string }
  /** The API server could not be asked; tried again. */
  | { readonly type: 'failed', readonly reason: string }

export interface SecretAuthorityOptions {
  readonly api: KubernetesApi
  /** AutoShield's own. */
  readonly namespace: string
  readonly trustDomain: string
  readonly clock: Clock
  readonly rotation?: Partial<RotationSettings>
  /** How often the clock is looked at: a minute where nothing is said. */
  readonly everyMs?: number
  readonly onEvent?: (event: AuthorityEvent) => void
}

const HOUR_MS = 60 * 60 * 1000
const ROTATION: RotationSettings = { overlapMs: AUTHORITY_OVERLAP_MS, publishMs: LEAF_LIFE_MS, settleMs: HOUR_MS / 6, leafMs: LEAF_LIFE_MS, marginMs: HOUR_MS }
/** Steps that can be due at once after a long absence (drop, make, promote, drop), doubled for conflicts with another replica. */
const MAX_STEPS = 8

/** The cluster's authority, in one Secret that every replica shares; whoever writes first wins and the others read. */
export class SecretAuthority {
  readonly #options: SecretAuthorityOptions
  readonly #settings: RotationSettings
  readonly #startedMs: number
  readonly #listeners = new Listeners()
  #store: RootStore | null = null
  #authority: Authority | null = null
  #complained = ''

  constructor (options: SecretAuthorityOptions) {
    this.#options = options
    this.#settings = { ...ROTATION, ...options.rotation }
    this.#startedMs = options.clock.now()
  }

  /** Throws UNAVAILABLE until the Secret was read or made. */
  current (): Authority {
    if (this.#authority === null) throw new AutoshieldError('UNAVAILABLE', `the certificate authority is not there yet${this.#complained === '' ? '' : `: ${this.#complained}`}`)
    return this.#authority
  }

  /** PEM of every root that is to be trusted now. Throws as `current`. */
  bundle (): string {
    return this.current().bundle
  }

  /** Called when signer or bundle changed. */
  onChange (listener: () => void): Disposable {
    return this.#listeners.add(listener)
  }

  /** Follows the Secret and rotates until the signal aborts. */
  async run (signal: AbortSignal): Promise<void> {
    const { api, namespace, everyMs = 60_000 } = this.#options
    await reconcileUntil(signal, { api, resource: RESOURCES.secrets, scope: scopeOf(AUTHORITY_SECRET, namespace), everyMs, reconcile: () => this.reconcile() })
  }

  /** Reads the Secret, makes it where there is none, and takes each step that is due. Never throws: what fails is told. */
  async reconcile (): Promise<Reconciled> {
    try {
      for (let step = 0; step < MAX_STEPS && await this.#step() === 'again';) step++
      return 'done'
    } catch (thrown) {
      const { code, message } = AutoshieldError.from(thrown)
      this.#complain(code === 'BAD_DATA' || code === 'UNTRUSTED' ? 'refused' : 'failed', message)
      return 'failed'
    }
  }

  async #step (): Promise<'again' | 'rest'> {
    const { api, namespace, trustDomain, clock } = this.#options
    const secret = await api.get(RESOURCES.secrets, AUTHORITY_SECRET, namespace)
    if (secret === null) return this.#create()
    const store = readRoots(secret, trustDomain)
    this.#take(store, 'loaded')
    const requested = secret.metadata.annotations?.[ROTATE_ROOT] !== undefined
    const due = nextStep(store.roots, { nowMs: clock.now(), startedMs: this.#startedMs, requested }, this.#settings)
    switch (due.step) {
      case 'rest': return requested ? this.#write(secret, store, null) : 'rest' // what was asked for is under way
      case 'make': return this.#make(secret, store)
      case 'promote': return this.#write(secret, { ...store, roots: promoted(store.roots, clock.now()) }, 'promoted')
      case 'drop': return this.#write(secret, { ...store, roots: without(store.roots, due.ids) }, 'dropped')
    }
  }

  /** The authority that was removed under us comes back: everybody holds certificates of it. */
  async #create (): Promise<'again'> {
    const { api, namespace, trustDomain, clock } = this.#options
    const store = this.#store ?? freshStore(trustDomain, clock.now())
    const { metadata, data } = writeRoots(store)
    const object = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { ...metadata, namespace }, data }
    return this.#written(async () => api.create(RESOURCES.secrets, object), store, this.#store === null ? 'created' : 'restored')
  }

  async #make (secret: KubernetesObject, store: RootStore): Promise<'again'> {
    const nowMs = this.#options.clock.now()
    const { key, certificates: [certificate] } = createAuthority(this.#options.trustDomain, nowMs)
    const made = recordOf(certificate)
    const next: RootStore = {
      roots: withNext(store.roots, made, nowMs),
      certificates: new Map([...store.certificates, [made.id, certificate]]),
      keys: new Map([...store.keys, [made.id, key]]),
    }
    return this.#write(secret, next, 'trusted')
  }

  async #write (secret: KubernetesObject, store: RootStore, event: AuthorityChange | null): Promise<'again'> {
    const { metadata, data } = writeRoots(store)
    const { [ROTATE_ROOT]: asked, ...annotations } = { ...secret.metadata.annotations, ...metadata.annotations }
    const keep = asked !== undefined && event !== 'trusted' && store.roots.next === null // asked while an older root leaves: still to be done
    const object = { ...secret, metadata: { ...secret.metadata, annotations: { ...annotations, ...keep && { [ROTATE_ROOT]: asked } } }, data }
    return this.#written(async () => this.#options.api.replace(RESOURCES.secrets, object), store, event)
  }

  /** What lost the race against another replica was not done; the next reading shows what the other did. */
  async #written (write: () => Promise<unknown>, store: RootStore, event: AuthorityChange | null): Promise<'again'> {
    try {
      await write()
    } catch (error) {
      if (AutoshieldError.from(error).code === 'CONFLICT') return 'again'
      throw error
    }
    this.#take(store, event)
    return 'again'
  }

  #take (store: RootStore, change: AuthorityChange | null): void {
    const before = this.#store?.roots
    this.#store = store
    this.#complained = ''
    const authority = new Authority({ key: keyOf(store), certificates: bundleOf(store) })
    if (authority.bundle === this.#authority?.bundle) return
    this.#authority = authority
    const { id } = store.roots.signer
    const foreign = before !== undefined && id !== before.signer.id && id !== before.next?.id
    if (change !== null) this.#options.onEvent?.({ type: foreign ? 'replaced' : change, roots: store.roots })
    this.#listeners.call()
  }

  /** Each complaint once, until something works again. */
  #complain (type: 'refused' | 'failed', reason: string): void {
    if (this.#complained === reason) return
    this.#complained = reason
    this.#options.onEvent?.({ type, reason })
  }
}

function freshStore (trustDomain: string, nowMs: number): RootStore {
  const { key, certificates: [certificate] } = createAuthority(trustDomain, nowMs)
  const signer = recordOf(certificate)
  return { roots: { signer, next: null, retired: [] }, certificates: new Map([[signer.id, certificate]]), keys: new Map([[signer.id, key]]) }
}

/** Has the controller make a new root. Throws NOT_FOUND where there is no authority yet, CONFLICT where the Secret changed meanwhile. */
export async function requestRotation (api: KubernetesApi, namespace: string): Promise<void> {
  const secret = await api.get(RESOURCES.secrets, AUTHORITY_SECRET, namespace)
  if (secret === null) throw new AutoshieldError('NOT_FOUND', `there is no Secret ${namespace}/${AUTHORITY_SECRET}: is the controller of AutoShield installed and running there?`)
  const annotations = { ...secret.metadata.annotations, [ROTATE_ROOT]: 'requested' }
  await api.replace(RESOURCES.secrets, { ...secret, metadata: { ...secret.metadata, annotations } })
}
