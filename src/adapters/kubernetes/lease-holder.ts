import { AutoshieldError } from '../../core/errors.ts'
import { apiVersionOf, RESOURCES } from '../../core/kubernetes/resource.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { elect, laidDown, taken, type ElectionSettings, type LeaseRecord } from '../../core/leadership/lease.ts'
import { Turns } from '../../core/turns.ts'
import type { Clock } from '../../ports/clock.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import { ADDRESS, readLease, writeLease } from './stored-lease.ts'

export interface LeaseHolderOptions {
  readonly api: KubernetesApi
  readonly namespace: string
  readonly name: string
  /** Of this replica alone, and the same for as long as its data folder is. */
  readonly replica: string
  /** `HOST:PORT` at which others follow this replica while it leads. */
  readonly address: string
  readonly clock: Clock
  /** Milliseconds that never go back: `performance.now`. */
  readonly monotonic: () => number
  readonly wait: (ms: number, signal: AbortSignal) => Promise<boolean>
  readonly election: ElectionSettings
  /** Told of each failure to reach the API server. */
  readonly onTrouble?: (error: AutoshieldError) => void
}

/** Who leads now, and where. */
export interface Leader {
  readonly replica: string
  readonly address: string
}

interface Seen {
  readonly object: KubernetesObject
  readonly record: LeaseRecord
  readonly sinceMs: number
}

/**
 * One replica's hand on the Lease. Constructing does nothing; `acquire` waits for it, then `hold` keeps it, until the signal aborts
 * or it is lost.
 */
export class LeaseHolder {
  readonly #options: LeaseHolderOptions
  readonly #election: ElectionSettings
  /** Renewals and changes of who is in sync write the same object. */
  readonly #turns = new Turns()
  #seen: Seen | null = null
  #renewedMs = 0

  constructor (options: LeaseHolderOptions) {
    this.#options = options
    this.#election = options.election
  }

  /** The lease when this replica took it. Null where the signal aborted before. `onLeader` is told who leads meanwhile, at each change. */
  async acquire (signal: AbortSignal, onLeader: (leader: Leader | null) => void): Promise<{ missing: 'nothing' | 'unknown', record: LeaseRecord } | null> {
    let told: string | undefined
    do {
      try {
        const won = await this.#try()
        if (won !== null) return won
        const leader = leaderOf(this.#seen)
        if (told !== JSON.stringify(leader)) onLeader(leader)
        told = JSON.stringify(leader)
      } catch (error) {
        this.#options.onTrouble?.(AutoshieldError.from(error))
      }
    } while (await this.#options.wait(this.#election.retryMs, signal))
    return null
  }

  /** Renews until the signal aborts. Rejects CONFLICT where another leads, and UNAVAILABLE where it could not renew in time. */
  async hold (signal: AbortSignal): Promise<void> {
    const { wait, onTrouble } = this.#options
    do {
      const failure = await Promise.race([this.#renew(), this.#deadline(signal)])
      if (failure?.code === 'CONFLICT') throw failure
      if (failure !== null) onTrouble?.(failure)
      if (this.#leftMs() <= 0) throw new AutoshieldError('UNAVAILABLE', `The lease ${this.#options.name} could not be renewed in ${this.#election.renewMs} ms, so another replica may lead now: this one stops.`)
    } while (await wait(this.#election.retryMs, signal))
  }

  /** Writes who has all that this leader acknowledged. Rejects as the API server does, and CONFLICT where another leads. */
  async setInSync (replicas: readonly string[]): Promise<void> {
    await this.#write((record) => ({ ...record, inSync: [...replicas] }))
  }

  /** Lays it down, so that nobody has to wait. */
  async release (): Promise<void> {
    await this.#write(laidDown)
  }

  async #renew (): Promise<AutoshieldError | null> {
    return this.#write((record) => record).then(() => null, (error: unknown) => AutoshieldError.from(error))
  }

  /** An API server that does not answer must not keep a leader that has to stop. */
  async #deadline (signal: AbortSignal): Promise<AutoshieldError | null> {
    const passed = await this.#options.wait(Math.max(this.#leftMs(), 0), signal)
    return passed ? new AutoshieldError('UNAVAILABLE', 'The API server has not answered in time.') : null
  }

  #leftMs (): number {
    return this.#election.renewMs - (this.#options.monotonic() - this.#renewedMs)
  }

  async #try (): Promise<{ missing: 'nothing' | 'unknown', record: LeaseRecord } | null> {
    const { api, namespace, name, replica, monotonic } = this.#options
    const object = await api.get(RESOURCES.leases, name, namespace)
    const nowMs = monotonic()
    this.#see(object, nowMs)
    const seen = this.#seen
    const result = elect(replica, seen === null ? null : { record: seen.record, unchangedMs: nowMs - seen.sinceMs }, this.#election)
    if (result.outcome === 'wait') return null
    const record = taken(replica, seen?.record ?? null, this.#election)
    try {
      await this.#store(object, record, nowMs)
    } catch (error) {
      if (AutoshieldError.from(error).code === 'CONFLICT') return null // somebody was faster
      throw error
    }
    return { missing: result.missing, record }
  }

  #see (object: KubernetesObject | null, nowMs: number): void {
    if (object === null) this.#seen = null
    else if (object.metadata.resourceVersion !== this.#seen?.object.metadata.resourceVersion) this.#seen = { object, record: readLease(object), sinceMs: nowMs }
  }

  async #write (change: (record: LeaseRecord) => LeaseRecord): Promise<void> {
    await this.#turns.take('lease', async () => {
      const { api, namespace, name, replica, monotonic } = this.#options
      const startedMs = monotonic()
      for (let attempt = 0; ; attempt++) {
        const { object, record } = this.#held(replica)
        try {
          await this.#store(object, change(record), startedMs)
          return
        } catch (error) {
          // Somebody wrote a label, or our own last write got through though its answer did not.
          if (AutoshieldError.from(error).code !== 'CONFLICT' || attempt > 2) throw error
          this.#see(await api.get(RESOURCES.leases, name, namespace), monotonic())
        }
      }
    })
  }

  #held (replica: string): Seen {
    if (this.#seen?.record.holder !== replica) throw new AutoshieldError('CONFLICT', `The lease ${this.#options.name} is held by ${this.#seen?.record.holder ?? 'nobody'} and not by ${replica} any more: this replica stops leading.`)
    return this.#seen
  }

  async #store (object: KubernetesObject | null, record: LeaseRecord, startedMs: number): Promise<void> {
    const { api, namespace, name, clock, address } = this.#options
    const bare: KubernetesObject = object ?? { apiVersion: apiVersionOf(RESOURCES.leases), kind: RESOURCES.leases.kind, metadata: { name, namespace } }
    const wanted = writeLease(bare, record, address, clock.now())
    const written = object === null ? await api.create(RESOURCES.leases, wanted) : await api.replace(RESOURCES.leases, wanted)
    this.#seen = { object: written, record, sinceMs: startedMs }
    this.#renewedMs = startedMs
  }
}

function leaderOf (seen: Seen | null): Leader | null {
  if (seen?.record.holder == null) return null
  const address = seen.object.metadata.annotations?.[ADDRESS]
  return address === undefined ? null : { replica: seen.record.holder, address }
}
