import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { openAuthority } from '../../certs/authority-folder.ts'
import type { Authority } from '../../certs/authority.ts'
import { Uplink, type UplinkEvent, type UplinkOptions } from '../../sidecar/uplink/uplink.ts'
import { GrpcScoreSource } from '../../src/adapters/bus/grpc-score-source.ts'
import type { Credentials, Identity } from '../../src/core/identity.ts'
import { CLASSES } from '../../src/core/classes.ts'
import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import { TENSOR_SIZE } from '../../src/core/tensor/tensor-table.ts'
import { FEATURES } from '../../src/core/window/window.ts'
import { Detector, type DetectorOptions } from '../../src/detector/detector.ts'
import { REPLAY_UID, scopeFromPods } from '../../src/detector/reporter-scope.ts'
import type { PodDirectory } from '../../src/ports/directories.ts'
import type { Scorer } from '../../src/ports/scorer.ts'
import type { ScoreEvent } from '../../src/ports/scores.ts'
import { fixedCredentials } from '../../src/wire/held-credentials.ts'

export const TRUST_DOMAIN = 'autoshield.test'
export const CONTROLLER: Identity = { trustDomain: TRUST_DOMAIN, namespace: 'autoshield', uid: 'controller' }
export const REPLAY: Identity = { trustDomain: TRUST_DOMAIN, namespace: REPLAY_UID, uid: REPLAY_UID }
/** The pod whose observer reports in most tests. */
export const POD: Identity = { trustDomain: TRUST_DOMAIN, namespace: 'shop', uid: 'pod-1' }
export const POD_ADDRESS = '10.0.0.1'
/** Another pod's. */
const OTHER_ADDRESS = '10.0.0.2'
export const clock = { now: Date.now }

const known = [{ uid: POD.uid, name: 'cart', address: POD_ADDRESS }, { uid: 'other', name: 'other', address: OTHER_ADDRESS }]
  .map(({ address, ...pod }) => ({ ...pod, namespace: POD.namespace, addresses: [address], labels: {}, node: 'n1' }))
export const pods: PodDirectory = {
  list: () => known,
  byAddress: (wanted) => known.find(({ addresses }) => addresses.includes(wanted)) ?? null,
  byUid: (wanted) => known.find(({ uid }) => uid === wanted) ?? null,
}

const SYN = FEATURES.indexOf('syn_count')

/** Holds that a thousand SYNs in the newest window are an attack for certain, and half of them for half. */
export class FakeScorer implements Scorer {
  readonly model = { version: 'fake', classes: CLASSES, contextColumns: CONTEXT_COLUMNS, thresholds: CLASSES.map(() => 0.9), usual: { 'pair/500': FEATURES.map(() => 0) }, known: null }
  readonly prototypes = null
  /** Rows of each call. */
  readonly calls: number[] = []
  fail = false

  async score (count: number, tensors: Float32Array): Promise<Float32Array> {
    this.calls.push(count)
    if (this.fail) throw new Error('the model is broken')
    const probabilities = new Float32Array(count * CLASSES.length)
    for (let row = 0; row < count; row++) {
      const attack = Math.min((tensors[(row + 1) * TENSOR_SIZE - FEATURES.length + SYN] ?? 0) / 1000, 1)
      probabilities[row * CLASSES.length] = 1 - attack
      probabilities[row * CLASSES.length + 3] = attack
    }
    return probabilities
  }

  async [Symbol.asyncDispose] (): Promise<void> { /* holds nothing */ }
}

export interface Stage {
  readonly authority: Authority
  readonly credentials: (identity: Identity) => Credentials
  readonly start: (options?: Partial<DetectorOptions>) => Promise<Running>
  readonly uplink: (detector: string, options?: Partial<UplinkOptions>) => RunningUplink
  readonly source: (detector: string, identity?: Identity) => GrpcScoreSource
}

export interface Running {
  readonly detector: Detector
  readonly scorer: FakeScorer
  readonly address: string
  readonly stop: () => Promise<void>
}

export interface RunningUplink {
  readonly uplink: Uplink
  readonly events: UplinkEvent[]
  /** Resolves with the first event that `wanted` accepts, past ones included. */
  readonly event: <E extends UplinkEvent>(wanted: (event: UplinkEvent) => event is E) => Promise<E>
  /** Stops it; resolves when everything is across, or was given up. */
  readonly stop: () => Promise<void>
}

export const connected = (event: UplinkEvent) => event.type === 'connected'
export const disconnected = (event: UplinkEvent) => event.type === 'disconnected'

/** A CA of its own, and everything that a test starts; all of it ends with the test. */
export async function stage (t: Test): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-detector-'))
  const authority = await openAuthority(folder, TRUST_DOMAIN, clock)
  const ends: Array<() => unknown> = [() => rm(folder, { recursive: true })]
  t.teardown(async () => {
    for (const end of ends.reverse()) await end()
  })
  const credentials = (identity: Identity) => authority.issueWithKey({ identity, dns: ['localhost'], ip: ['127.0.0.1'] }, Date.now())
  return {
    authority,
    credentials,
    start: async (options = {}) => {
      const scorer = new FakeScorer()
      const abort = new AbortController()
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      const detector = new Detector({
        scorer,
        credentials: fixedCredentials(credentials({ ...CONTROLLER, uid: 'detector' })),
        listen: '127.0.0.1:0',
        scopeOf: scopeFromPods(pods, { trustDomain: TRUST_DOMAIN }),
        mayWatch: ({ namespace, uid }) => namespace === CONTROLLER.namespace && uid === CONTROLLER.uid,
        clock,
        onListening: resolve,
        ...options,
        // Most tests have nobody who follows the scores.
        limits: { holdMs: 0, ...options.limits },
      })
      const run = detector.run(abort.signal)
      run.catch(reject)
      const stop = async () => {
        abort.abort()
        await run
      }
      ends.push(stop)
      return { detector, scorer, stop, address: await promise }
    },
    uplink: (detector, options = {}) => runUplink({
      detector,
      credentials: fixedCredentials(credentials(options.reporter?.identity ?? POD)),
      reporter: { identity: POD, source: 'packet', version: '0', ownAddresses: [POD_ADDRESS], simulated: false },
      bootId: randomBytes(16),
      clock,
      random: Math.random,
      backoff: { baseMs: 5, maxMs: 50 },
      ...options,
    }, ends),
    source: (detector, identity = CONTROLLER) => {
      const source = new GrpcScoreSource({ detector, credentials: fixedCredentials(credentials(identity)), random: Math.random, backoff: { baseMs: 5, maxMs: 50 } })
      ends.push(() => source[Symbol.dispose]())
      return source
    },
  }
}

function runUplink (options: UplinkOptions, ends: Array<() => unknown>): RunningUplink {
  const events: UplinkEvent[] = []
  let changed = Promise.withResolvers<undefined>()
  const uplink = new Uplink({
    ...options,
    onEvent: (event) => {
      events.push(event)
      changed.resolve(undefined)
      changed = Promise.withResolvers()
    },
  })
  const abort = new AbortController()
  const run = uplink.run(abort.signal)
  const stop = async () => {
    abort.abort()
    await run
  }
  ends.push(stop)
  const event: RunningUplink['event'] = async (wanted) => {
    for (;;) {
      const found = events.find(wanted)
      if (found !== undefined) return found
      await changed.promise
    }
  }
  return { uplink, events, event, stop }
}

/** Everything a watcher is told, until enough of it has come. */
export class Told {
  readonly events: ScoreEvent[] = []
  readonly #abort = new AbortController()
  #changed = Promise.withResolvers<undefined>()
  readonly #reading: Promise<void>

  constructor (t: Test, source: GrpcScoreSource, interest = { floor: 0.5, everyKey: false }) {
    this.#reading = this.#read(source, interest)
    t.teardown(() => this.stop())
  }

  get scores () {
    return this.events.flatMap((event) => event.type === 'scores' ? event.scores : [])
  }

  /** Resolves when `enough` holds of what was told so far. */
  async until (enough: (told: Told) => boolean): Promise<void> {
    while (!enough(this)) await this.#changed.promise
  }

  async synced (): Promise<void> {
    await this.until(({ events }) => events.some(({ type }) => type === 'synced'))
  }

  async stop (): Promise<void> {
    this.#abort.abort()
    await this.#reading
  }

  async #read (source: GrpcScoreSource, interest: { floor: number, everyKey: boolean }): Promise<void> {
    for await (const event of source.watch(interest, this.#abort.signal)) {
      this.events.push(event)
      this.#changed.resolve(undefined)
      this.#changed = Promise.withResolvers()
    }
  }
}

/** The number of the 0.5 s window that was `ago` windows before now. */
export const recent = (ago: number): number => Math.floor(Date.now() / 500) - ago
