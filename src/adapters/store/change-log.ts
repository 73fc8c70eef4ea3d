import { AutoshieldError } from '../../core/errors.ts'
import type { OwnedDatabase } from './database.ts'
import type { Share } from './group-commit.ts'

/** What one transaction changed. */
export interface Change {
  /** From 1, without a gap, over all databases. */
  readonly position: number
  /** Name of its database. */
  readonly database: string
  readonly changeset: Uint8Array
}

/** A database that followers get whole before they follow. */
export type Shared = Pick<OwnedDatabase, 'name' | 'dir' | 'sqlite'> & {
  /** Names of further files of it in `dir`, whose state may be somewhat older. */
  readonly files: readonly string[]
}

export interface ChangeLogOptions {
  /** Of the leader. */
  readonly replica: string
  /** Makes it known who has all that was acknowledged; what rejects CONFLICT means that another leads. */
  readonly setInSync: (replicas: readonly string[]) => Promise<void>
  readonly wait: (ms: number, signal: AbortSignal) => Promise<boolean>
  readonly signal: AbortSignal
  /** How long a follower in sync may owe an answer before it is one no more. */
  readonly patienceMs?: number
  /** What is kept for followers that read slowly, or come back. */
  readonly maxBytes?: number
}

const PATIENCE_MS = 1_000
const MAX_BYTES = 32 << 20
const RETRY_MS = 200

/** One replica's place in the log, until it is disposed. */
export interface Follower extends Disposable {
  /** It was too slow, or has come anew by another stream. */
  readonly gone: boolean
  /** It has everything up to this position on its disk. */
  readonly kept: (position: number) => void
}

interface Following {
  readonly replica: string
  readonly wake: () => void
  /** The newest that it has. */
  kept: number
  /** `required`: nothing is acknowledged without it. */
  state: 'behind' | 'required' | 'gone'
}

interface Owed {
  readonly position: number
  readonly kept: () => void
  readonly failed: (error: AutoshieldError) => void
}

/**
 * What a leader has written, in order, for those that follow it. A write is acknowledged when every follower that is in sync has it.
 * One that falls behind is first made known to be out of sync and then not waited for, so that whoever takes over has all that was
 * acknowledged, or knows that it may not.
 */
export class ChangeLog {
  readonly #options: ChangeLogOptions
  readonly #databases = new Map<string, Shared>()
  readonly #following = new Set<Following>()
  #changes: Change[] = []
  #bytes = 0
  #position = 0
  #owed: Owed[] = []
  /** Followers that the others know to be in sync. */
  #known: ReadonlySet<string> = new Set()
  #publishing: Promise<void> = Promise.resolve()
  /** Why nothing is acknowledged any more. */
  #failure: AutoshieldError | null = null

  constructor (options: ChangeLogOptions) {
    this.#options = options
  }

  get databases (): readonly Shared[] {
    return [...this.#databases.values()]
  }

  /** Position of the newest change. */
  get position (): number {
    return this.#position
  }

  /** Makes the database one of those that are followed. What comes before is in its copy. */
  attach ({ name, dir, sqlite }: OwnedDatabase, files: readonly string[] = []): Share {
    this.#databases.set(name, { name, dir, sqlite, files })
    return async (changeset) => this.#keep({ position: ++this.#position, database: name, changeset })
  }

  /** Replicas that have all that was acknowledged, but for the leader. */
  inSync (): readonly string[] {
    return [...this.#following].flatMap(({ state, replica }) => state === 'required' ? [replica] : [])
  }

  /** Everybody who follows, with how many changes each has not got yet. */
  followers (): readonly { readonly replica: string, readonly state: 'in-sync' | 'behind', readonly behind: number }[] {
    return [...this.#following].map(({ replica, state, kept }) => ({ replica, state: state === 'required' && this.#known.has(replica) ? 'in-sync' : 'behind', behind: this.#position - kept }))
  }

  /** The changes after a position, at most some; null where they are not kept any more. */
  after (position: number, most: number): readonly Change[] | null {
    const first = this.#position - this.#changes.length
    return position < first ? null : this.#changes.slice(position - first, position - first + most)
  }

  /** `wake` is called when there is something new. */
  follow (replica: string, wake: () => void): Follower {
    for (const other of this.#following) if (other.replica === replica) this.#leave(other)
    const following: Following = { replica, wake, kept: 0, state: 'behind' }
    this.#following.add(following)
    return {
      get gone () { return following.state === 'gone' },
      kept: (position) => this.#kept(following, position),
      [Symbol.dispose]: () => this.#leave(following),
    }
  }

  async #keep (change: Change): Promise<void> {
    this.#changes.push(change)
    this.#bytes += change.changeset.length
    while (this.#bytes > (this.#options.maxBytes ?? MAX_BYTES)) this.#bytes -= this.#changes.shift()?.changeset.length ?? this.#bytes
    for (const { wake } of this.#following) wake()
    if (this.#failure !== null) throw this.#failure
    if (this.inSync().length === 0 && this.#known.size === 0) return
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    this.#owed.push({ position: change.position, kept: () => resolve(undefined), failed: reject })
    await Promise.all([promise, Promise.race([promise, this.#dun(change.position)])])
  }

  /** Whoever has not got it in time is not waited for any more. */
  async #dun (position: number): Promise<void> {
    const { wait, signal, patienceMs = PATIENCE_MS } = this.#options
    await wait(patienceMs, signal)
    for (const following of this.#following) if (following.state === 'required' && following.kept < position) this.#leave(following)
  }

  #kept (following: Following, position: number): void {
    if (following.state === 'gone') return
    following.kept = Math.max(following.kept, Math.min(position, this.#position))
    if (following.state === 'behind' && following.kept === this.#position) {
      // Required before it is known, so that it has all that is acknowledged from the moment in which it may take over.
      following.state = 'required'
      this.#publish()
    }
    this.#settle()
  }

  #leave (following: Following): void {
    this.#following.delete(following)
    const was = following.state
    following.state = 'gone'
    following.wake()
    if (was === 'required') this.#publish()
  }

  /** One after the other; each writes what is true when its turn comes. What waits for one that left is acknowledged only then. */
  #publish (): void {
    this.#publishing = this.#publishing.then(async () => {
      for (;;) {
        const replicas = this.inSync()
        try {
          await this.#options.setInSync([this.#options.replica, ...replicas])
          this.#known = new Set(replicas)
          this.#settle()
          return
        } catch (error) {
          const failure = AutoshieldError.from(error)
          if (failure.code === 'CONFLICT' || !await this.#options.wait(RETRY_MS, this.#options.signal)) {
            this.#fail(failure)
            return
          }
        }
      }
    })
  }

  #settle (): void {
    const required = [...this.#following].filter(({ state }) => state === 'required')
    // One that left is waited for until the lease names it no more.
    const left = [...this.#known].some((replica) => !required.some((one) => one.replica === replica))
    if (left) return
    const everybody = Math.min(...required.map(({ kept }) => kept), this.#position)
    const due = this.#owed.filter(({ position }) => position <= everybody)
    this.#owed = this.#owed.filter(({ position }) => position > everybody)
    for (const { kept } of due) kept()
  }

  #fail (failure: AutoshieldError): void {
    this.#failure = failure
    for (const { failed } of this.#owed.splice(0)) failed(failure)
  }
}
