import type { Logger } from 'pino'
import { wearLeaderLabel } from '../adapters/kubernetes/leader-label.ts'
import { LeaseHolder, type Leader } from '../adapters/kubernetes/lease-holder.ts'
import { DataCopy, markLed, replicaId } from '../adapters/replica/data-copy.ts'
import { followLeader } from '../adapters/replica/follow-leader.ts'
import { serveFollowers } from '../adapters/replica/serve-followers.ts'
import { newId, systemClock } from '../adapters/standalone/clock.ts'
import { AUDIT_DATABASE } from '../adapters/store/audit-trail.ts'
import { ChangeLog } from '../adapters/store/change-log.ts'
import { STORE_DATABASE } from '../adapters/store/object-store.ts'
import { AutoshieldError } from '../core/errors.ts'
import { electionSettings } from '../core/leadership/lease.ts'
import type { Identity } from '../core/identity.ts'
import type { LeadershipStanding } from '../core/leadership/standing.ts'
import type { CredentialSource } from '../ports/identity.ts'
import type { KubernetesApi } from '../ports/kubernetes.ts'
import { Listeners } from '../wire/listeners.ts'
import { wait } from '../wire/wait.ts'

/** How it stands with a replica that does not lead: nobody to follow, a copy under way, or all that the leader acknowledged. */
export type StandbyState = 'alone' | 'copying' | 'following'

export interface LeadershipOptions {
  readonly api: KubernetesApi
  readonly namespace: string
  /** Name of the Lease. */
  readonly lease: string
  /** How long a leader may lead without renewing it. */
  readonly leaseMs: number
  /** This pod's name. */
  readonly pod: string
  /** `HOST:PORT` at which other replicas follow this one while it leads, and the port on every address. */
  readonly address: string
  readonly data: string
  readonly credentials: CredentialSource
  /** What all replicas are. */
  readonly controller: Identity
  readonly log: Logger
  readonly onStandby: (state: StandbyState) => void
}

/** What a leader needs beside its work. Disposing lays the lease down, when all that it keeps is closed. */
export interface Leadership extends AsyncDisposable {
  readonly changes: ChangeLog
  readonly replica: string
  /** `unknown`: what was acknowledged last before may be missing here. */
  readonly missing: 'nothing' | 'unknown'
  /** How often the lease has changed hands. */
  readonly term: number
  readonly standing: () => LeadershipStanding
  /** Lets others follow, and holds the lease until the signal aborts. Rejects where it is lost: then nothing may be done any more. */
  readonly hold: (signal: AbortSignal) => Promise<void>
}

/** Follows whoever leads until this replica may. Null where the signal aborted before. */
export async function awaitLeadership (options: LeadershipOptions, signal: AbortSignal): Promise<Leadership | null> {
  const { api, namespace, lease, leaseMs, pod, address, data, log } = options
  const election = electionSettings(leaseMs)
  const replica = `${pod}_${replicaId(data, newId)}`
  const holder = new LeaseHolder({
    api,
    namespace,
    name: lease,
    replica,
    address,
    clock: systemClock,
    monotonic: () => performance.now(),
    wait,
    election,
    onTrouble: (error) => log.warn({ error: error.message }, 'the lease could not be read or written'),
  })
  const won = await standBy(holder, replica, options, signal)
  if (won === null) return null
  const { missing, record } = won
  log[missing === 'nothing' ? 'info' : 'warn']({ replica, term: record.transitions }, missing === 'nothing'
    ? 'this replica leads'
    : `this replica leads, though it may miss what the last one kept: nobody who has all of it has come for ${election.staleMs / 1_000} s`)
  markLed(data)
  const since = new Date(systemClock.now()).toISOString()
  const ended = new AbortController()
  const changes = new ChangeLog({ replica, setInSync: async (replicas) => holder.setInSync(replicas), wait, signal: ended.signal })
  // Held from now on, also while stores open and until they are closed.
  const holding = holder.hold(ended.signal)
  holding.catch(() => undefined) // `hold` tells
  let serving: Promise<void> = Promise.resolve()
  return {
    changes,
    replica,
    missing,
    term: record.transitions,
    standing: () => ({ replica, since, term: record.transitions, missing, followers: [...changes.followers()] }),
    hold: async (stop) => {
      serving = serveFollowers({
        log: changes,
        listen: `0.0.0.0:${address.slice(address.lastIndexOf(':') + 1)}`,
        credentials: options.credentials,
        follower: options.controller,
        onFollower: (follower, error) => log.info({ follower, error: error?.message }, error === null ? 'a replica follows' : 'a replica follows no more'),
      }, ended.signal)
      await wearLeaderLabel(api, { namespace, name: pod })
      const stopped = Promise.withResolvers<undefined>()
      stop.addEventListener('abort', () => stopped.resolve(undefined), { once: true })
      if (!stop.aborted) await Promise.race([holding, serving, stopped.promise])
    },
    async [Symbol.asyncDispose] () {
      // The followers in sync have all of it by now, and stay named in what is laid down.
      await holder.release().catch((error: unknown) => log.warn({ error: AutoshieldError.from(error).message }, 'the lease was not laid down; another replica leads when it has run out'))
      ended.abort()
      await Promise.allSettled([holding, serving])
    },
  }
}

async function standBy (holder: LeaseHolder, replica: string, { data, credentials, controller, log, onStandby }: LeadershipOptions, signal: AbortSignal): ReturnType<LeaseHolder['acquire']> {
  using copy = new DataCopy({ dir: data, databases: [STORE_DATABASE, AUDIT_DATABASE] })
  const news = new Listeners()
  const followed = new AbortController()
  let leader: Leader | null = null
  const following = followLeader({
    replica,
    copy,
    phrase: (place) => `the controller at ${place}`,
    credentials,
    server: controller,
    random: Math.random,
    servers: { list: () => leader === null || leader.replica === replica ? [] : [leader.address], onChange: (listener) => news.add(listener) },
    onDisconnect: (error) => {
      onStandby('alone')
      log.warn({ leader: leader?.replica, error: error.message }, 'the leader cannot be followed')
    },
    onCopying: () => onStandby('copying'),
    onCopied: () => {
      onStandby('following')
      log.info({ leader: leader?.replica }, 'this replica follows')
    },
  }, followed.signal)
  try {
    return await holder.acquire(signal, (now) => {
      leader = now
      log.info({ leader: now?.replica ?? null }, now === null ? 'nobody leads' : 'another replica leads')
      news.call()
    })
  } finally {
    followed.abort()
    await following
  }
}
