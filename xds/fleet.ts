import type { Mitigation } from '../src/core/mitigation/mitigation.ts'
import type { Clock, ProxyFleet, ProxyStatus } from '../src/ports.ts'
import { buildSnapshot } from './build-snapshot.ts'
import { findProblems } from './consistency.ts'
import type { Inbound, ProxySpec } from './proxy-spec.ts'
import { nextExpiry, planRestrictions, type PodRestrictions, type Shortfall } from './restriction.ts'
import type { Standing } from './session.ts'
import { createSnapshot, snapshotToJson, type Snapshot } from './snapshot.ts'
import { Validator } from './validate.ts'

/** A connected proxy, as the fleet sees it. */
export interface Subscriber {
  readonly update: (snapshot: Snapshot) => void
  readonly standing: () => Standing
}

export interface FleetOptions {
  readonly clock: Clock
  /** How a pod that no ProxySpec names is assumed to be reached: what its proxy would get, or gets if it connects. */
  readonly defaultInbound: Inbound
}

interface Pod {
  /** Spec and restrictions that the newest attempt to build was made from. */
  basis: string
  snapshot: Snapshot
  /** Why what should hold was not sent; empty where it was. */
  problems: readonly string[]
  readonly subscribers: Set<Subscriber>
  /** Version that the last connected proxy had taken when it went. */
  taken: string
  /** The status that was told last. */
  told: string
}

const NO_RESTRICTIONS: PodRestrictions = new Map()
/** What a proxy gets where nothing could be built yet. */
const EMPTY = createSnapshot({ clusters: [], listeners: [] }, [])

/**
 * What every proxy should have and what it has: the desired set goes in, one snapshot a pod comes out. Level-based, free of
 * gRPC and timers. A pod is held while it has a ProxySpec, a restriction or a connected proxy.
 */
export class Fleet implements ProxyFleet {
  readonly #clock: Clock
  readonly #defaultInbound: Inbound
  readonly #validator = new Validator()
  readonly #pods = new Map<string, Pod>()
  readonly #listeners = new Set<(status: ProxyStatus) => void>()
  #specs: ReadonlyMap<string, ProxySpec> = new Map()
  #mitigations: readonly Mitigation[] = []
  #nextExpiry = Infinity
  #restrictions: ReadonlyMap<string, PodRestrictions> = new Map()
  #shortfalls: readonly Shortfall[] = []

  constructor ({ clock, defaultInbound }: FleetOptions) {
    this.#clock = clock
    this.#defaultInbound = defaultInbound
  }

  /** The proxies that there are, whether or not they are connected; the whole set. */
  setProxies (specs: readonly ProxySpec[]): void {
    this.#specs = new Map(specs.map((spec) => [spec.podUid, spec]))
    this.#converge()
  }

  apply (mitigations: readonly Mitigation[]): void {
    const now = this.#clock.now()
    const { pods, shortfalls } = planRestrictions(mitigations, now)
    this.#mitigations = mitigations
    this.#nextExpiry = nextExpiry(mitigations, now)
    this.#restrictions = pods
    this.#shortfalls = shortfalls
    this.#converge()
  }

  /** Takes out what has expired since, without waiting for the controller. */
  expire (): void {
    if (this.#clock.now() >= this.#nextExpiry) this.apply(this.#mitigations)
  }

  /** What no proxy can carry, and why (reason CannotEnforce). */
  shortfalls (): readonly Shortfall[] {
    return this.#shortfalls
  }

  /** Every proxy that should be there or is. `connected: false` with `in-sync`: it had taken this version when its stream ended, and Envoy keeps what it has. */
  statuses (): readonly ProxyStatus[] {
    return [...this.#pods].filter(([uid, { subscribers }]) => this.#specs.has(uid) || subscribers.size > 0).map(([uid, pod]) => statusOf(uid, pod))
  }

  snapshot (podUid: string): { version: string, resources: unknown } | null {
    const pod = this.#pods.get(podUid)
    return pod === undefined ? null : { version: pod.snapshot.version, resources: snapshotToJson(pod.snapshot) }
  }

  /** Called when a status differs from the one before; not called for pods that nobody knows any more. */
  onChange (listener: (status: ProxyStatus) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => { this.#listeners.delete(listener) } }
  }

  /** The snapshot that a proxy of this pod begins with. */
  current (podUid: string): Snapshot {
    return this.#hold(podUid).snapshot
  }

  /** A proxy of this pod is there until the result is disposed. It is updated before `apply` or `setProxies` returns. */
  connect (podUid: string, subscriber: Subscriber): Disposable {
    const pod = this.#hold(podUid)
    pod.subscribers.add(subscriber)
    this.#tell(podUid, pod)
    return {
      [Symbol.dispose]: () => {
        if (subscriber.standing().state === 'in-sync') pod.taken = pod.snapshot.version
        pod.subscribers.delete(subscriber)
        this.#tell(podUid, pod)
        this.#forgets(podUid)
      },
    }
  }

  /** A proxy of this pod has answered. */
  answered (podUid: string): void {
    const pod = this.#pods.get(podUid)
    if (pod !== undefined) this.#tell(podUid, pod)
  }

  /** Makes every pod's snapshot what it should be, and forgets pods that nothing names any more. */
  #converge (): void {
    for (const uid of new Set([...this.#specs.keys(), ...this.#restrictions.keys(), ...this.#pods.keys()])) {
      if (this.#forgets(uid)) continue
      const pod = this.#hold(uid)
      this.#refresh(uid, pod)
      this.#tell(uid, pod)
    }
  }

  #forgets (uid: string): boolean {
    const wanted = this.#specs.has(uid) || this.#restrictions.has(uid) || (this.#pods.get(uid)?.subscribers.size ?? 0) > 0
    if (!wanted) this.#pods.delete(uid)
    return !wanted
  }

  #hold (uid: string): Pod {
    const held = this.#pods.get(uid)
    if (held !== undefined) return held
    const pod: Pod = { basis: '', snapshot: EMPTY, problems: [], subscribers: new Set(), taken: '', told: '' }
    this.#pods.set(uid, pod)
    this.#refresh(uid, pod)
    return pod
  }

  /** What does not pass our own checks is not sent: the proxy keeps what it has, and the status says why. */
  #refresh (uid: string, pod: Pod): void {
    const inbound = this.#specs.get(uid)?.inbound ?? this.#defaultInbound
    const restrictions = this.#restrictions.get(uid) ?? NO_RESTRICTIONS
    const basis = JSON.stringify([inbound, [...restrictions]])
    if (basis === pod.basis) return
    pod.basis = basis
    const desired = buildSnapshot({ inbound }, restrictions)
    pod.problems = findProblems(desired.content, this.#validator)
    if (pod.problems.length > 0) return
    const changed = desired.version !== pod.snapshot.version
    pod.snapshot = desired // maybe one version with other mitigations: two that ask for the same share a chain
    if (changed) for (const subscriber of pod.subscribers) subscriber.update(desired)
  }

  #tell (uid: string, pod: Pod): void {
    const status = statusOf(uid, pod)
    const text = JSON.stringify(status)
    if (text === pod.told) return
    pod.told = text
    for (const listener of this.#listeners) listener(status)
  }
}

const WORST = ['rejected', 'pending', 'in-sync'] as const

/** Of two proxies of one pod (one that starts while the other drains) the worse answer counts. */
function statusOf (podUid: string, { snapshot, problems, subscribers, taken }: Pod): ProxyStatus {
  const standings = [...subscribers].map((subscriber) => subscriber.standing())
  const worst = WORST.flatMap((state) => standings.filter((standing) => standing.state === state))[0]
  const absent: Standing = taken === snapshot.version ? { state: 'in-sync', message: '' } : { state: 'pending', message: 'no proxy of this pod is connected' }
  const { state, message } = problems.length > 0 ? { state: 'rejected' as const, message: `not sent: ${problems.join('; ')}` } : worst ?? absent
  return { podUid, connected: subscribers.size > 0, version: snapshot.version, state, message, mitigations: snapshot.mitigations }
}
