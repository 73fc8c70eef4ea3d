import { Interest } from './interest.ts'
import { Ledger, type Answer } from './ledger.ts'
import { statesOf, type ResourceState } from './resource-state.ts'
import { isFullState } from './resource-type.ts'
import type { Resource, TypeResources } from './snapshot.ts'

/** What one request of a client says, in the words that both protocols share. */
export interface Ask {
  /** Of the response that is answered; empty where none is. */
  readonly nonce: string
  /** The client's words on refusal, null for an ACK. */
  readonly error: string | null
}
export interface DeltaAsk extends Ask {
  readonly subscribe: readonly string[]
  readonly unsubscribe: readonly string[]
  /** What the client kept from an earlier stream: resource name -> version. Read in the first request alone. */
  readonly initialVersions: Readonly<Record<string, string>>
}
export interface SotwAsk extends Ask {
  readonly names: readonly string[]
  /** The newest version of the type that the client took, maybe on an earlier stream. */
  readonly version: string
}

/** What has to be sent now. */
export interface Offer {
  readonly resources: readonly Resource[]
  /** Delta only: names that the client must drop, or asked for and that do not exist. */
  readonly removed: readonly string[]
}

/** One type on one stream. `offer` gives null while a response waits for its answer, and where there is nothing new. */
export interface Subscription {
  readonly offer: (current: TypeResources) => Offer | null
  readonly sent: (nonce: string, offer: Offer) => void
  /** Why the client does not hold `current`: its own words on a refusal, `pending`, or null where it holds all of it. */
  readonly gap: (current: TypeResources) => { readonly refusals: readonly string[] } | 'pending' | null
  /** What of `current` the client asked for. */
  readonly asked: (current: TypeResources) => TypeResources
  /** For people who look: what the client has of each resource. */
  readonly states: (current: TypeResources) => readonly ResourceState[]
  /** Names that are held because the client said them, to be bounded by the stream. */
  readonly size: number
  /** A response is out that was not answered. */
  readonly waiting: boolean
}

function gapOf (ledger: Ledger, current: TypeResources): ReturnType<Subscription['gap']> {
  if (ledger.refusals.length > 0) return { refusals: ledger.refusals }
  if (ledger.waiting) return 'pending'
  const lacks = current.resources.values().some((resource) => !ledger.holds(resource))
  const keeps = ledger.known.keys().some((name) => !current.resources.has(name))
  return lacks || keeps ? 'pending' : null
}

/** Resources that a subscription has nothing to do for, until something is said or sent: most proxies are told nothing most of the time. */
class Settled {
  offered: TypeResources | null = null
  held: TypeResources | null = null

  /** There is nothing to offer of it. */
  offer (current: TypeResources): null {
    this.offered = current
    return null
  }

  /** The client holds all of it. */
  hold (current: TypeResources): null {
    this.held = current
    return null
  }

  clear (): void {
    this.offered = null
    this.held = null
  }
}

function askedOf (interest: Interest, current: TypeResources): TypeResources {
  if (interest.wildcard) return current
  return { version: current.version, resources: new Map([...current.resources].filter(([name]) => interest.covers(name))) }
}

/** Incremental: what changed, by name; versions are each resource's own. */
export class DeltaSubscription implements Subscription {
  readonly #interest = new Interest()
  readonly #ledger = new Ledger()
  /** To be answered for by name, whatever version the client has. */
  readonly #owed = new Set<string>()
  #heard = false
  #answered = false
  readonly #settled = new Settled()

  get size (): number {
    return this.#interest.names.size + this.#owed.size + this.#ledger.known.size
  }

  get waiting (): boolean {
    return this.#ledger.waiting
  }

  /** Gives null where the request answers nothing. A nonce that is stale says nothing; what the same request subscribes to counts all the same. */
  receive (ask: DeltaAsk): Answer | null {
    this.#settled.clear()
    const answer = ask.nonce === '' ? null : this.#ledger.answer(ask.nonce, ask.error)
    const first = !this.#heard
    this.#heard = true
    if (first) this.#ledger.bring(Object.entries(ask.initialVersions))
    this.#interest.change(ask.subscribe, ask.unsubscribe)
    // A name that is asked for again is sent again: the client may have dropped it (discovery.proto, resource_names_subscribe).
    for (const name of ask.subscribe) if (name !== '*' && !(first && name in ask.initialVersions)) this.#owed.add(name)
    for (const name of ask.unsubscribe) {
      this.#owed.delete(name)
      // Still wanted by the wildcard: it is told what is true of it (xDS protocol, "Unsubscribing From Resources").
      if (name !== '*' && this.#interest.wildcard) this.#owed.add(name)
    }
    for (const name of this.#ledger.known.keys()) if (!this.#interest.covers(name)) this.#ledger.forget(name)
    return answer
  }

  offer (current: TypeResources): Offer | null {
    if (this.#ledger.waiting || this.#settled.offered === current) return null
    const wanted = this.#interest.wildcard ? current.resources.keys() : this.#interest.names
    const resources: Resource[] = []
    for (const name of wanted) {
      const resource = current.resources.get(name)
      if (resource !== undefined && (this.#ledger.known.get(name) !== resource.version || this.#owed.has(name))) resources.push(resource)
    }
    const gone = [...this.#ledger.known.keys(), ...this.#owed].filter((name) => !current.resources.has(name))
    // The first request is answered even by nothing: Envoy waits for it before it goes on starting.
    if (resources.length === 0 && gone.length === 0 && this.#answered) return this.#settled.offer(current)
    return { resources, removed: [...new Set(gone)] }
  }

  sent (nonce: string, offer: Offer): void {
    this.#settled.clear()
    this.#answered = true
    this.#owed.clear()
    this.#ledger.send(nonce, offer.resources, offer.removed)
  }

  gap (current: TypeResources): ReturnType<Subscription['gap']> {
    return this.#settled.held === current ? null : gapOf(this.#ledger, current) ?? this.#settled.hold(current)
  }

  asked (current: TypeResources): TypeResources {
    return askedOf(this.#interest, current)
  }

  states (current: TypeResources): readonly ResourceState[] {
    return statesOf(this.#ledger, this.#interest, current)
  }
}

/** State of the world: for listeners and clusters always all of them; a version is the type's. */
export class SotwSubscription implements Subscription {
  readonly #interest = new Interest()
  readonly #ledger = new Ledger()
  readonly #fullState: boolean
  /** Version that the client brought from an earlier stream. */
  #brought = ''
  #owed = false
  #nonce = ''
  readonly #settled = new Settled()

  constructor (type: string) {
    this.#fullState = isFullState(type)
  }

  get size (): number {
    return this.#interest.names.size
  }

  get waiting (): boolean {
    return this.#ledger.waiting
  }

  /** Gives null where the request answers nothing. A request with a stale nonce is ignored as a whole: the client sends a newer one after it has read our response. */
  receive (ask: SotwAsk): Answer | null {
    this.#settled.clear()
    if (ask.nonce !== '' && ask.nonce !== this.#nonce) return 'stale'
    // A second request with the newest nonce answers nothing: it changes the names.
    const answer = ask.nonce === '' || !this.#ledger.waiting ? null : this.#ledger.answer(ask.nonce, ask.error)
    if (this.#nonce === '') this.#brought = ask.version
    if (this.#interest.replace(ask.names).length > 0) this.#owed = true
    for (const name of this.#ledger.known.keys()) if (!this.#interest.covers(name)) this.#ledger.forget(name)
    return answer
  }

  offer (current: TypeResources): Offer | null {
    if (this.#ledger.waiting) return null
    if (this.#takesBrought(current)) return null
    const resources = [...current.resources.values()].filter(({ name }) => this.#interest.covers(name))
    const gone = [...this.#ledger.known.keys()].filter((name) => !current.resources.has(name))
    const changed = resources.some(({ name, version }) => this.#ledger.known.get(name) !== version)
    if (this.#fullState) return this.#owed || changed || gone.length > 0 ? { resources, removed: gone } : null
    // Of other types an empty response means nothing, and what is gone cannot be said.
    for (const name of gone) this.#ledger.forget(name)
    return resources.length > 0 && (this.#owed || changed) ? { resources, removed: [] } : null
  }

  /** Only a wildcard is sure to have covered the same resources on the earlier stream (xDS protocol, "ACK/NACK and resource type instance version"). */
  #takesBrought (current: TypeResources): boolean {
    const held = this.#owed && this.#brought !== '' && this.#brought === current.version && this.#interest.wildcard && this.#interest.names.size === 0
    this.#brought = ''
    if (!held) return false
    this.#owed = false
    this.#ledger.bring([...current.resources.values()].map(({ name, version }) => [name, version]))
    return true
  }

  sent (nonce: string, offer: Offer): void {
    this.#settled.clear()
    this.#owed = false
    this.#nonce = nonce
    this.#ledger.send(nonce, offer.resources, offer.removed)
  }

  gap (current: TypeResources): ReturnType<Subscription['gap']> {
    return this.#settled.held === current ? null : gapOf(this.#ledger, current) ?? this.#settled.hold(current)
  }

  asked (current: TypeResources): TypeResources {
    return askedOf(this.#interest, current)
  }

  states (current: TypeResources): readonly ResourceState[] {
    return statesOf(this.#ledger, this.#interest, current)
  }
}
