import { unaskedStates, type ResourceState } from './resource-state.ts'
import { CLUSTER, ENDPOINT, RESOURCE_ORDER } from './resource-type.ts'
import type { Resource, Snapshot, TypeResources } from './snapshot.ts'
import type { Offer, Subscription } from './subscription.ts'

/** A response to be sent, in words that both protocols share. */
export interface Outgoing {
  readonly type: string
  readonly nonce: string
  readonly version: string
  readonly offer: Offer
}

/** What a client made of the newest snapshot. */
export interface Standing {
  readonly state: 'in-sync' | 'pending' | 'rejected'
  /** The client's own words when rejected; what is missing when pending. */
  readonly message: string
  /** Rejected: it has answered to all of the newest snapshot, so its words are about that one. */
  readonly final: boolean
}

export interface TypedState extends ResourceState {
  readonly type: string
}

/**
 * One client's stream: what it asked for, was sent and answered, for every type. Holds one snapshot, the newest, and at
 * most one unanswered response a type, so its size does not grow however slow the client is.
 */
export class Session<S extends Subscription> {
  readonly #subscriptions = new Map<string, S>()
  readonly #open: (type: string) => S
  /** Gone from the snapshot, and kept until the client has taken everything that could still name them. */
  readonly #leaving = new Map<string, ReadonlyMap<string, Resource>>()
  /** Of each type, the version that was sent last. */
  readonly #sent = new Map<string, string>()
  #snapshot: Snapshot
  #nonce = 0

  constructor (open: (type: string) => S, snapshot: Snapshot) {
    this.#open = open
    this.#snapshot = snapshot
  }

  /** Names held for the client, over all types. */
  get size (): number {
    return [...this.#subscriptions.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /** Of one type, opened on first use; null for a type that is not served. */
  subscription (type: string): S | null {
    const opened = this.#subscriptions.get(type)
    if (opened !== undefined || !RESOURCE_ORDER.includes(type)) return opened ?? null
    const subscription = this.#open(type)
    this.#subscriptions.set(type, subscription)
    return subscription
  }

  /** The snapshot that the client should have from now on. */
  update (snapshot: Snapshot): void {
    for (const type of NAMED_BY_OTHERS) {
      const now = snapshot.types.get(type)?.resources
      if (now === this.#snapshot.types.get(type)?.resources && !this.#leaving.has(type)) continue
      const left = [...this.#current(type)?.resources ?? []].filter(([name]) => now?.has(name) !== true)
      if (left.length > 0) this.#leaving.set(type, new Map(left))
      else this.#leaving.delete(type)
    }
    this.#snapshot = snapshot
  }

  /**
   * The next response, in the declared order, which counts as sent; null where there is none to send now. What nothing
   * names any more is removed last (xDS protocol, "Eventual consistency considerations": make before break).
   */
  next (): Outgoing | null {
    const made = this.#nextOf()
    if (made !== null || this.#leaving.size === 0 || !this.#isTaken()) return made
    this.#leaving.clear()
    return this.#nextOf()
  }

  #nextOf (): Outgoing | null {
    for (const type of RESOURCE_ORDER) {
      const subscription = this.#subscriptions.get(type)
      const current = this.#current(type)
      if (subscription === undefined || current === undefined) continue
      const offer = subscription.offer(current)
      if (offer === null) continue
      const nonce = String(++this.#nonce)
      subscription.sent(nonce, offer)
      this.#sent.set(type, current.version)
      return { type, nonce, version: current.version, offer }
    }
    return null
  }

  /** What the client should have of a type for now. */
  #current (type: string): TypeResources | undefined {
    const current = this.#snapshot.types.get(type)
    const leaving = this.#leaving.get(type)
    if (current === undefined || leaving === undefined) return current
    return { version: `${current.version}+${leaving.size}`, resources: new Map([...current.resources, ...leaving]) }
  }

  /**
   * Whether the client has all that it asked for and should have for now. What it did not ask for it may never: an Envoy
   * asks for what a resource names before it acknowledges that resource.
   */
  #isTaken (): boolean {
    return [...this.#subscriptions].every(([type, subscription]) => {
      const current = this.#current(type)
      return current === undefined || subscription.gap(subscription.asked(current)) === null
    })
  }

  standing (): Standing {
    const missing: string[] = []
    const refusals: string[] = []
    for (const [type, current] of this.#snapshot.types) {
      const gap = this.#gap(type, current)
      if (gap === 'pending') missing.push(type.slice(type.lastIndexOf('.') + 1))
      else if (gap !== null) refusals.push(...gap.refusals)
    }
    if (refusals.length > 0) return { state: 'rejected', message: refusals.join('; '), final: this.#isAnswered() }
    if (missing.length === 0) return IN_SYNC
    return { state: 'pending', message: `has not yet taken: ${missing.join(', ')}`, final: false }
  }

  /** For people who look: what the client has of each resource, those of types that it did not ask for included. */
  states (): readonly TypedState[] {
    return RESOURCE_ORDER.flatMap((type) => {
      const current = this.#current(type)
      if (current === undefined) return []
      return (this.#subscriptions.get(type)?.states(current) ?? unaskedStates(current)).map((state) => ({ type, ...state }))
    })
  }

  #isAnswered (): boolean {
    return [...this.#subscriptions].every(([type, subscription]) => {
      const sent = this.#sent.get(type)
      return !subscription.waiting && (sent === undefined || sent === this.#current(type)?.version)
    })
  }

  /** A type that the client did not ask for yet is missing where the snapshot has any of it. */
  #gap (type: string, current: TypeResources): ReturnType<Subscription['gap']> {
    return this.#subscriptions.get(type)?.gap(current) ?? (current.resources.size > 0 && !this.#subscriptions.has(type) ? 'pending' : null)
  }
}

const IN_SYNC: Standing = { state: 'in-sync', message: '', final: true }

/** Types whose resources others name: they are there before, and go after. */
const NAMED_BY_OTHERS = [CLUSTER, ENDPOINT]
