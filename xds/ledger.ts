import type { Resource } from './snapshot.ts'

/** What a client said to a response. `stale`: its nonce is not that of the response that waits for an answer. */
export type Answer = 'ack' | 'nack' | 'stale'

interface Sent {
  readonly nonce: string
  readonly versions: ReadonlyMap<string, string>
}

const NONE: readonly string[] = []

/**
 * What one client has been sent of one type, and what it made of it. At most one response is out at a time, so a slow
 * client holds back nothing but its own next response, which then is the newest state.
 */
export class Ledger {
  /** Resource name -> version that was sent last, or that the client said it has. */
  readonly #sent = new Map<string, string>()
  readonly #accepted = new Map<string, string>()
  readonly #refused = new Map<string, string>()
  #waiting: Sent | null = null

  get waiting (): boolean {
    return this.#waiting !== null
  }

  get known (): ReadonlyMap<string, string> {
    return this.#sent
  }

  /** What the client brought along from its last stream. */
  bring (versions: Iterable<readonly [string, string]>): void {
    for (const [name, version] of versions) {
      this.#sent.set(name, version)
      this.#accepted.set(name, version)
    }
  }

  send (nonce: string, resources: readonly Resource[], removed: readonly string[]): void {
    for (const { name, version } of resources) this.#sent.set(name, version)
    for (const name of removed) this.forget(name)
    this.#waiting = { nonce, versions: new Map(resources.map(({ name, version }) => [name, version])) }
  }

  /** The client does not have it any more. */
  forget (name: string): void {
    for (const map of [this.#sent, this.#accepted, this.#refused]) map.delete(name)
  }

  /**
   * `error` is the client's words, null for an ACK. Envoy applies the good resources of a response that it refuses and
   * names the bad ones, so those that it names are refused; where it names none, all are.
   */
  answer (nonce: string, error: string | null): Answer {
    if (this.#waiting?.nonce !== nonce) return 'stale'
    const { versions } = this.#waiting
    this.#waiting = null
    const named = error === null ? [] : [...versions.keys()].filter((name) => error.includes(name))
    for (const [name, version] of versions) {
      if (error !== null && (named.length === 0 || named.includes(name))) {
        this.#refused.set(name, error)
      } else {
        this.#accepted.set(name, version)
        this.#refused.delete(name)
      }
    }
    return error === null ? 'ack' : 'nack'
  }

  /** Versions of a resource that were sent last and taken last, and the client's words where it refused what was sent. */
  of (name: string): { readonly sent: string | undefined, readonly accepted: string | undefined, readonly words: string | undefined } {
    return { sent: this.#sent.get(name), accepted: this.#accepted.get(name), words: this.#refused.get(name) }
  }

  /** Whether the client has taken this version. */
  holds ({ name, version }: Resource): boolean {
    return this.#accepted.get(name) === version && !this.#refused.has(name)
  }

  /** The client's words about resources that it refused and that have not been replaced since. */
  get refusals (): readonly string[] {
    return this.#refused.size === 0 ? NONE : [...new Set(this.#refused.values())]
  }
}
