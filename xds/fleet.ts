import { isDeepStrictEqual } from 'node:util'
import type { Mitigation } from '../src/core/mitigation/mitigation.ts'
import type { Clock } from '../src/ports/clock.ts'
import type { ProxyFleet, ProxySnapshot, ProxyStatus } from '../src/ports/proxies.ts'
import type { buildSnapshot } from './build-snapshot.ts'
import { DutyIndex } from './duty-index.ts'
import type { Inbound, ProxySpec } from './proxy-spec.ts'
import type { Shortfall } from './restriction.ts'
import { RollBack } from './roll-back.ts'
import type { Standing } from './session.ts'
import { createSnapshot, snapshotToJson, type Snapshot } from './snapshot.ts'
import type { SnapshotSource, Subscriber } from './snapshot-source.ts'
import { SnapshotBuilder, UNBUILT, type BuilderStats, type Built } from './snapshot-builder.ts'

export interface FleetOptions {
  readonly clock: Clock
  /** How a pod that no ProxySpec names is assumed to be reached: what its proxy would get, or gets if it connects. */
  readonly defaultInbound: Inbound
  /** Makes resources of duties; another one shows what becomes of resources that a proxy refuses. */
  readonly configure?: typeof buildSnapshot
  /** Does the work after whatever else waits for the event loop; setImmediate unless given. */
  readonly later?: (work: () => void) => void
}

/** Pods that are brought up to date without a pause, some 20 ms where each has a configuration of its own. */
const SLICE = 256

interface Pod {
  readonly rollBack: RollBack
  /** What the newest attempt to build came to. */
  built: Built
  snapshot: Snapshot
  /** In the order in which they connected. */
  readonly subscribers: Set<Subscriber>
  /** Version that the last connected proxy had taken when it went. */
  taken: string
  /** The status that was told last. */
  told: ProxyStatus | null
  /** Whether it was among `statuses` when that was. */
  there: boolean
}

/** What a proxy gets where nothing could be built yet. */
const EMPTY = createSnapshot({}, [])

/**
 * What every proxy should have and what it has: the desired set goes in, one snapshot a pod comes out. Level-based, free of
 * gRPC and timers. A pod is held while it has a ProxySpec, a restriction or a connected proxy. A change of many pods is worked off in
 * slices, between which heartbeats and answers are served; a change of few does not wait for it.
 */
export class Fleet implements ProxyFleet, SnapshotSource {
  readonly #clock: Clock
  readonly #defaultSpec: Omit<ProxySpec, 'podUid'>
  readonly #builder: SnapshotBuilder
  readonly #pods = new Map<string, Pod>()
  readonly #listeners = new Set<(status: ProxyStatus) => void>()
  readonly #goneListeners = new Set<(podUid: string) => void>()
  readonly #duties = new DutyIndex()
  readonly #later: (work: () => void) => void
  /** Pods that a change of many has not reached yet, in its order. */
  readonly #due = new Set<string>()
  #specs: ReadonlyMap<string, ProxySpec> = new Map()
  #mitigations: readonly Mitigation[] = []

  constructor ({ clock, defaultInbound, configure, later = setImmediate }: FleetOptions) {
    this.#later = later
    this.#clock = clock
    this.#builder = new SnapshotBuilder(configure)
    this.#defaultSpec = { inbound: defaultInbound }
  }

  /** The proxies that there are, whether or not they are connected; the whole set. */
  setProxies (specs: readonly ProxySpec[]): void {
    const before = this.#specs
    this.#specs = new Map(specs.map((spec) => [spec.podUid, spec]))
    const changed = specs.filter((spec) => !isDeepStrictEqual(before.get(spec.podUid), spec)).map(({ podUid }) => podUid)
    this.#converge(new Set([...changed, ...[...before.keys()].filter((uid) => !this.#specs.has(uid))]))
  }

  apply (mitigations: readonly Mitigation[]): void {
    this.#mitigations = mitigations
    this.#converge(this.#duties.set(mitigations, this.#clock.now()))
  }

  /** Takes out what has expired since, without waiting for the controller. */
  expire (): void {
    if (this.#clock.now() >= this.#duties.nextExpiry) this.apply(this.#mitigations)
  }

  /** What no proxy can carry, and why (reason CannotEnforce). */
  shortfalls (): readonly Shortfall[] {
    const ofPods = [...this.#pods.values()].flatMap(({ built }) => built.shortfalls)
    return [...new Map([...this.#duties.shortfalls, ...ofPods].map((shortfall) => [`${shortfall.mitigation} ${shortfall.message}`, shortfall])).values()]
  }

  /** Every proxy that should be there or is. `connected: false` with `in-sync`: it had taken this version when its stream ended, and Envoy keeps what it has. */
  statuses (): readonly ProxyStatus[] {
    return [...this.#pods].filter(([uid, pod]) => this.#isThere(uid, pod)).map(([uid, pod]) => this.#statusOf(uid, pod))
  }

  /** Of one pod; null where `statuses` has none of it. */
  status (podUid: string): ProxyStatus | null {
    const pod = this.#pods.get(podUid)
    return pod !== undefined && this.#isThere(podUid, pod) ? this.#statusOf(podUid, pod) : null
  }

  /** Of the snapshots that were built for all pods. */
  get snapshots (): BuilderStats {
    return this.#builder.stats
  }

  /** It is the one who serves. */
  heard (): boolean {
    return true
  }

  snapshot (podUid: string): ProxySnapshot | null {
    const pod = this.#pods.get(podUid)
    return pod === undefined ? null : { version: pod.snapshot.version, resources: snapshotToJson(pod.snapshot) }
  }

  /** Called when a status differs from the one before; not called for pods that nobody knows any more. */
  onChange (listener: (status: ProxyStatus) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => { this.#listeners.delete(listener) } }
  }

  /** Called with a pod that `statuses` has no longer. */
  onGone (listener: (podUid: string) => void): Disposable {
    this.#goneListeners.add(listener)
    return { [Symbol.dispose]: () => { this.#goneListeners.delete(listener) } }
  }

  /** The snapshot that a proxy of this pod begins with. */
  current (podUid: string): Snapshot {
    if (this.#due.delete(podUid)) this.#update(podUid)
    return this.#hold(podUid).snapshot
  }

  /** A proxy of this pod is there until the result is disposed. Where a change concerns few pods it is updated before `apply` or `setProxies` returns. */
  connect (podUid: string, subscriber: Subscriber): Disposable {
    const pod = this.#hold(podUid)
    pod.subscribers.add(subscriber)
    this.#tell(podUid, pod)
    return {
      [Symbol.dispose]: () => {
        if (subscriber === newestOf(pod.subscribers) && subscriber.standing().state === 'in-sync') pod.taken = pod.snapshot.version
        pod.subscribers.delete(subscriber)
        this.#tell(podUid, pod)
        this.#forgets(podUid)
      },
    }
  }

  /** A proxy of this pod has answered. A restriction that it refuses is taken out again, for this pod alone. */
  answered (podUid: string): void {
    const pod = this.#pods.get(podUid)
    if (pod === undefined) return
    this.#tell(podUid, pod, this.#advance(podUid, pod))
  }

  /** Goes on by what the proxy says, up to something that it has to be sent: restrictions that change nothing get no answer. Gives what it says then. */
  #advance (uid: string, pod: Pod): Standing {
    let standing = standingOf(pod)
    for (const { version } = pod.snapshot; version === pod.snapshot.version; standing = standingOf(pod)) {
      const { state, message } = standing
      const goesOn = state === 'in-sync' ? pod.rollBack.taken() : state === 'rejected' && pod.rollBack.rejected(message)
      if (!goesOn) break
      this.#refresh(uid, pod)
    }
    return standing
  }

  /** Makes the snapshots of these pods what they should be: at once where they are few, else a slice at a time. */
  #converge (uids: ReadonlySet<string>): void {
    if (uids.size <= SLICE) {
      for (const uid of uids) {
        this.#due.delete(uid)
        this.#update(uid)
      }
      return
    }
    const isGoingOn = this.#due.size > 0
    for (const uid of uids) this.#due.add(uid)
    if (!isGoingOn) this.#goOn()
  }

  #goOn (): void {
    for (const uid of [...this.#due.values().take(SLICE)]) {
      this.#due.delete(uid)
      this.#update(uid)
    }
    if (this.#due.size > 0) this.#later(() => this.#goOn())
  }

  /** Makes the snapshot of a pod what it should be now, or forgets a pod that nothing names any more. */
  #update (uid: string): void {
    if (this.#forgets(uid)) return
    const pod = this.#hold(uid)
    this.#refresh(uid, pod)
    this.#tell(uid, pod, this.#advance(uid, pod))
  }

  #forgets (uid: string): boolean {
    const wanted = this.#specs.has(uid) || this.#duties.of(uid).length > 0 || (this.#pods.get(uid)?.subscribers.size ?? 0) > 0
    const pod = this.#pods.get(uid)
    if (!wanted && pod !== undefined) {
      this.#pods.delete(uid)
      this.#tellIfGone(uid, pod)
    }
    return !wanted
  }

  #hold (uid: string): Pod {
    const held = this.#pods.get(uid)
    if (held !== undefined) return held
    const pod: Pod = { rollBack: new RollBack(), built: UNBUILT, snapshot: EMPTY, subscribers: new Set(), taken: '', told: null, there: false }
    this.#pods.set(uid, pod)
    this.#refresh(uid, pod)
    return pod
  }

  /**
   * What does not pass our own checks is treated as if the proxy had refused it. Where no restriction is to blame, the
   * proxy keeps what it has, and the status says why.
   */
  #refresh (uid: string, pod: Pod): void {
    const spec = this.#specs.get(uid) ?? this.#defaultSpec
    const wanted = this.#duties.of(uid)
    do pod.built = this.#builder.build(spec, pod.rollBack.allowed(wanted))
    while (pod.built.snapshot === null && pod.rollBack.rejected(pod.built.problems.join('; ')))
    if (pod.built.snapshot === null) return
    const changed = pod.built.snapshot.version !== pod.snapshot.version
    pod.snapshot = pod.built.snapshot // maybe one version with other mitigations: two that ask for the same share a chain
    if (changed) for (const subscriber of pod.subscribers) subscriber.update(pod.snapshot)
  }

  #tell (uid: string, pod: Pod, standing = standingOf(pod)): void {
    this.#tellIfGone(uid, pod)
    const status = this.#statusOf(uid, pod, standing)
    if (pod.told !== null && saysTheSame(status, pod.told)) return
    pod.told = status
    for (const listener of this.#listeners) listener(status)
  }

  #isThere (uid: string, { subscribers }: Pod): boolean {
    return this.#specs.has(uid) || subscribers.size > 0
  }

  #tellIfGone (uid: string, pod: Pod): void {
    const left = pod.there && !this.#isThere(uid, pod)
    pod.there = this.#isThere(uid, pod)
    if (left) for (const listener of this.#goneListeners) listener(uid)
  }

  #statusOf (podUid: string, pod: Pod, { state, message } = standingOf(pod)): ProxyStatus {
    const { snapshot: { version, mitigations }, subscribers, told, rollBack, built } = pod
    const held = new Set(rollBack.held)
    const clientAddress = newestOf(subscribers)?.clientAddress() ?? told?.clientAddress
    const since = told !== null && told.state === state && told.version === version ? told.since : new Date(this.#clock.now()).toISOString()
    return { podUid, connected: subscribers.size > 0, version, state, message, mitigations, since, refused: rollBack.refused, taken: mitigations.filter((name) => held.has(name)), shortfalls: built.shortfalls, openConnections: built.openConnections(clientAddress?.kind === 'kept'), ...clientAddress === undefined ? {} : { clientAddress } }
  }
}

/** All but `since`, which follows from the others. */
function saysTheSame (one: ProxyStatus, other: ProxyStatus): boolean {
  return one.state === other.state && one.version === other.version && one.connected === other.connected && one.message === other.message && isDeepStrictEqual(one.clientAddress, other.clientAddress) &&
    (one.mitigations === other.mitigations || isDeepStrictEqual(one.mitigations, other.mitigations)) && (one.refused === other.refused || isDeepStrictEqual(one.refused, other.refused))
}

/** What the newest of its streams says counts: an older one is that of a connection that is half dead, or of a proxy that drains. A refusal counts until something newer was sent. */
function standingOf ({ snapshot, built, subscribers, taken }: Pod): Standing {
  if (built.problems.length > 0) return { state: 'rejected', message: `not sent: ${built.problems.join('; ')}`, final: true }
  const standing = newestOf(subscribers)?.standing()
  if (standing !== undefined) return standing.final ? standing : { ...standing, state: 'pending' }
  return taken === snapshot.version ? { state: 'in-sync', message: '', final: true } : { state: 'pending', message: 'no proxy of this pod is connected', final: false }
}

const newestOf = (subscribers: ReadonlySet<Subscriber>): Subscriber | undefined => [...subscribers].at(-1)
