import type { Test } from 'tap'
import { openAuditTrail } from '../../../src/adapters/store/audit-trail.ts'
import { Admissions } from '../../../src/controller/admissions/admissions.ts'
import { readTrailEntry } from '../../../src/controller/admissions/trail-entry.ts'
import type { AdmissionEntry } from '../../../src/core/admission/entry.ts'
import type { AdmissionGap } from '../../../src/core/admission/batch.ts'
import type { Checkpoints } from '../../../src/ports/object-store.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'

export const NOON = Date.parse('2026-03-01T12:00:00Z')
const TURN_MS = 5

/** Admissions over the real trail and an API server in memory; the clock is the test's, and beats come as fast as they are dealt with. */
export class WatchStage {
  readonly api: FakeKubernetes
  readonly checkpoints: Checkpoints
  readonly logged: string[] = []
  nowMs = NOON
  readonly #saved: Map<string, unknown>
  readonly #audit: ReturnType<typeof openAuditTrail>
  readonly #auditLogFile: string | undefined

  constructor (t: Test, { api = new FakeKubernetes(), saved = new Map<string, unknown>(), dir = t.testdir({}), auditLogFile }: { api?: FakeKubernetes, saved?: Map<string, unknown>, dir?: string, auditLogFile?: string } = {}) {
    this.api = api
    this.#saved = saved
    this.#auditLogFile = auditLogFile
    this.checkpoints = { load: (name) => this.#saved.get(name), save: async (name, value) => { this.#saved.set(name, structuredClone(value)) } }
    this.#audit = openAuditTrail(dir, { clock: { now: () => this.nowMs } })
    t.teardown(() => this.#audit[Symbol.asyncDispose]())
  }

  get entries (): AdmissionEntry[] {
    return this.#read().flatMap((read) => read?.entry ?? [])
  }

  get gaps (): AdmissionGap[] {
    return this.#read().flatMap((read) => read?.gap ?? [])
  }

  /** Runs until `act` is done, and then to the end. */
  async during (act: () => Promise<void>): Promise<void> {
    const log = (_fields: object, message: string): void => { this.logged.push(message) }
    const admissions = new Admissions({
      audit: this.#audit,
      api: this.api,
      checkpoints: this.checkpoints,
      clock: { now: () => this.nowMs },
      every: async function * (_ms, signal) {
        for (let beat = 0; !signal.aborted; beat++) {
          await new Promise((resolve) => setTimeout(resolve, TURN_MS))
          yield beat
        }
      },
      log: { info: log, warn: log, error: log },
      metrics: { recorded: () => undefined, duplicate: () => undefined, gap: () => undefined },
      ownUsers: new Set(['system:serviceaccount:autoshield:autoshield-controller']),
      ...this.#auditLogFile === undefined ? {} : { auditLogFile: this.#auditLogFile },
    })
    const stop = new AbortController()
    const running = admissions.run(stop.signal)
    try {
      await act()
    } finally {
      stop.abort()
      await running
    }
  }

  /** Turns pass until it holds; a test's own time limit ends what never does. */
  async until (holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, TURN_MS))
  }

  #read () {
    return [...this.#audit.search({ limit: 1_000 })].reverse().map(readTrailEntry)
  }
}
